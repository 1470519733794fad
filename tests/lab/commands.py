"""What somebody types on a vendor's device to do a deed."""

from __future__ import annotations

from tests.lab.happenings import Command, Deed
from tests.lab.plan import Vendor

_FORMS: dict[Vendor, dict[Deed, tuple[str, ...]]] = {
    Vendor.CISCO: {
        Deed.SHUT_PORT: ("interface {subject}", "shutdown"),
        Deed.OPEN_PORT: ("interface {subject}", "no shutdown"),
        Deed.DROP_PREFIX: ("ip access-list extended BLOCK-{user}", "deny ip any {subject}"),
        Deed.PASS_PREFIX: ("no ip access-list extended BLOCK-{user}",),
        Deed.DISCARD_ROUTE: ("ip route {subject} Null0",),
        Deed.REMOVE_DISCARD_ROUTE: ("no ip route {subject} Null0",),
        Deed.SHUT_PEER: ("router bgp {detail}", "neighbor {subject} shutdown"),
        Deed.OPEN_PEER: ("router bgp {detail}", "no neighbor {subject} shutdown"),
        Deed.LIMIT_PORT: ("interface {subject}", "service-policy input LIMIT-{detail}"),
        Deed.UNLIMIT_PORT: ("interface {subject}", "no service-policy input LIMIT-{detail}"),
        Deed.SET_ROUTE: ("ip route {subject} {detail}",),
        Deed.UNSET_ROUTE: ("no ip route {subject} {detail}",),
        Deed.STOP_ANNOUNCING: ("router bgp {detail}", "no network {subject}"),
        Deed.ANNOUNCE: ("router bgp {detail}", "network {subject}"),
        Deed.RELOAD: ("reload",),
        Deed.DESCRIBE_PORT: ("interface {subject}", "description {detail}"),
        Deed.DROP_PROTOCOL: ("ip access-list extended BLOCK-{user}", "deny {detail} any {subject}"),
        Deed.PASS_PROTOCOL: ("no ip access-list extended BLOCK-{user}",),
        Deed.SET_MTU: ("interface {subject}", "mtu {detail}"),
        Deed.UNSET_MTU: ("interface {subject}", "no mtu"),
        Deed.SET_PASSWORD: ("router bgp {detail}", "neighbor {subject} password *"),
        Deed.UNSET_PASSWORD: ("router bgp {detail}", "no neighbor {subject} password"),
        Deed.LIMIT_PREFIXES: ("router bgp {detail}", "neighbor {subject} maximum-prefix 1"),
        Deed.UNLIMIT_PREFIXES: ("router bgp {detail}", "no neighbor {subject} maximum-prefix"),
        Deed.SET_VLAN: ("interface {subject}", "switchport access vlan {detail}"),
        Deed.UNSET_VLAN: ("interface {subject}", "no switchport access vlan {detail}"),
    },
    Vendor.HUAWEI: {
        Deed.SHUT_PORT: ("interface {subject}", "shutdown"),
        Deed.OPEN_PORT: ("interface {subject}", "undo shutdown"),
        Deed.DROP_PREFIX: ("acl number 3999", "rule 5 deny ip destination {subject}"),
        Deed.PASS_PREFIX: ("undo acl number 3999",),
        Deed.DISCARD_ROUTE: ("ip route-static {subject} NULL0",),
        Deed.REMOVE_DISCARD_ROUTE: ("undo ip route-static {subject} NULL0",),
        Deed.SHUT_PEER: ("bgp {detail}", "peer {subject} ignore"),
        Deed.OPEN_PEER: ("bgp {detail}", "undo peer {subject} ignore"),
        Deed.LIMIT_PORT: ("interface {subject}", "qos car inbound cir {detail}"),
        Deed.UNLIMIT_PORT: ("interface {subject}", "undo qos car inbound"),
        Deed.SET_ROUTE: ("ip route-static {subject} {detail}",),
        Deed.UNSET_ROUTE: ("undo ip route-static {subject} {detail}",),
        Deed.STOP_ANNOUNCING: ("bgp {detail}", "undo network {subject}"),
        Deed.ANNOUNCE: ("bgp {detail}", "network {subject}"),
        Deed.RELOAD: ("reboot fast",),
        Deed.DESCRIBE_PORT: ("interface {subject}", "description {detail}"),
        Deed.DROP_PROTOCOL: ("acl number 3999", "rule 5 deny {detail} destination {subject}"),
        Deed.PASS_PROTOCOL: ("undo acl number 3999",),
        Deed.SET_MTU: ("interface {subject}", "mtu {detail}"),
        Deed.UNSET_MTU: ("interface {subject}", "undo mtu"),
        Deed.SET_PASSWORD: ("bgp {detail}", "peer {subject} password cipher ******"),
        Deed.UNSET_PASSWORD: ("bgp {detail}", "undo peer {subject} password"),
        Deed.LIMIT_PREFIXES: ("bgp {detail}", "peer {subject} route-limit 1"),
        Deed.UNLIMIT_PREFIXES: ("bgp {detail}", "undo peer {subject} route-limit"),
        Deed.SET_VLAN: ("interface {subject}", "port default vlan {detail}"),
        Deed.UNSET_VLAN: ("interface {subject}", "undo port default vlan"),
    },
    Vendor.H3C: {
        Deed.SHUT_PORT: ("interface {subject}", "shutdown"),
        Deed.OPEN_PORT: ("interface {subject}", "undo shutdown"),
        Deed.DROP_PREFIX: ("acl advanced 3999", "rule 5 deny ip destination {subject}"),
        Deed.PASS_PREFIX: ("undo acl advanced 3999",),
        Deed.DISCARD_ROUTE: ("ip route-static {subject} NULL 0",),
        Deed.REMOVE_DISCARD_ROUTE: ("undo ip route-static {subject} NULL 0",),
        Deed.SHUT_PEER: ("bgp {detail}", "peer {subject} ignore"),
        Deed.OPEN_PEER: ("bgp {detail}", "undo peer {subject} ignore"),
        Deed.LIMIT_PORT: ("interface {subject}", "qos car inbound any cir {detail}"),
        Deed.UNLIMIT_PORT: ("interface {subject}", "undo qos car inbound any"),
        Deed.SET_ROUTE: ("ip route-static {subject} {detail}",),
        Deed.UNSET_ROUTE: ("undo ip route-static {subject} {detail}",),
        Deed.STOP_ANNOUNCING: ("bgp {detail}", "undo network {subject}"),
        Deed.ANNOUNCE: ("bgp {detail}", "network {subject}"),
        Deed.RELOAD: ("reboot force",),
        Deed.DESCRIBE_PORT: ("interface {subject}", "description {detail}"),
        Deed.DROP_PROTOCOL: ("acl advanced 3999", "rule 5 deny {detail} destination {subject}"),
        Deed.PASS_PROTOCOL: ("undo acl advanced 3999",),
        Deed.SET_MTU: ("interface {subject}", "mtu {detail}"),
        Deed.UNSET_MTU: ("interface {subject}", "undo mtu"),
        Deed.SET_PASSWORD: ("bgp {detail}", "peer {subject} password cipher ******"),
        Deed.UNSET_PASSWORD: ("bgp {detail}", "undo peer {subject} password"),
        Deed.LIMIT_PREFIXES: ("bgp {detail}", "peer {subject} route-limit 1"),
        Deed.UNLIMIT_PREFIXES: ("bgp {detail}", "undo peer {subject} route-limit"),
        Deed.SET_VLAN: ("interface {subject}", "port access vlan {detail}"),
        Deed.UNSET_VLAN: ("interface {subject}", "undo port access vlan"),
    },
    Vendor.JUNIPER: {
        Deed.SHUT_PORT: ("set interfaces {subject} disable",),
        Deed.OPEN_PORT: ("delete interfaces {subject} disable",),
        Deed.DROP_PREFIX: ("set firewall family inet filter BLOCK term 1 from destination-address {subject}",
                           "set firewall family inet filter BLOCK term 1 then discard"),
        Deed.PASS_PREFIX: ("delete firewall family inet filter BLOCK",),
        Deed.DISCARD_ROUTE: ("set routing-options static route {subject} discard",),
        Deed.REMOVE_DISCARD_ROUTE: ("delete routing-options static route {subject} discard",),
        Deed.SHUT_PEER: ("deactivate protocols bgp group peers neighbor {subject}",),
        Deed.OPEN_PEER: ("activate protocols bgp group peers neighbor {subject}",),
        Deed.LIMIT_PORT: ("set interfaces {subject} unit 0 family inet policer input LIMIT-{detail}",),
        Deed.UNLIMIT_PORT: ("delete interfaces {subject} unit 0 family inet policer",),
        Deed.SET_ROUTE: ("set routing-options static route {subject} next-hop {detail}",),
        Deed.UNSET_ROUTE: ("delete routing-options static route {subject}",),
        Deed.STOP_ANNOUNCING: ("delete policy-options prefix-list ANNOUNCED {subject}",),
        Deed.ANNOUNCE: ("set policy-options prefix-list ANNOUNCED {subject}",),
        Deed.RELOAD: ("request system reboot",),
        Deed.DESCRIBE_PORT: ("set interfaces {subject} description {detail}",),
        Deed.DROP_PROTOCOL: ("set firewall family inet filter BLOCK term 1 from destination-address {subject}",
                             "set firewall family inet filter BLOCK term 1 from protocol {detail}",
                             "set firewall family inet filter BLOCK term 1 then discard"),
        Deed.PASS_PROTOCOL: ("delete firewall family inet filter BLOCK",),
        Deed.SET_MTU: ("set interfaces {subject} mtu {detail}",),
        Deed.UNSET_MTU: ("delete interfaces {subject} mtu",),
        Deed.SET_PASSWORD: ("set protocols bgp group peers neighbor {subject} authentication-key *****",),
        Deed.UNSET_PASSWORD: ("delete protocols bgp group peers neighbor {subject} authentication-key",),
        Deed.LIMIT_PREFIXES: (
            "set protocols bgp group peers neighbor {subject} family inet unicast prefix-limit maximum 1 teardown",),
        Deed.UNLIMIT_PREFIXES: (
            "delete protocols bgp group peers neighbor {subject} family inet unicast prefix-limit",),
        Deed.SET_VLAN: ("set interfaces {subject} unit 0 vlan-id {detail}",),
        Deed.UNSET_VLAN: ("delete interfaces {subject} unit 0 vlan-id",),
    },
    Vendor.LINUX: {
        Deed.SHUT_PORT: ("/usr/sbin/ip link set dev {subject} down",),
        Deed.OPEN_PORT: ("/usr/sbin/ip link set dev {subject} up",),
        Deed.DROP_PREFIX: ("/usr/sbin/iptables -I FORWARD -d {subject} -j DROP",),
        Deed.PASS_PREFIX: ("/usr/sbin/iptables -D FORWARD -d {subject} -j DROP",),
        Deed.DISCARD_ROUTE: ("/usr/sbin/ip route add blackhole {subject}",),
        Deed.REMOVE_DISCARD_ROUTE: ("/usr/sbin/ip route del blackhole {subject}",),
        Deed.SHUT_PEER: ("/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c neighbor {subject} shutdown",),
        Deed.OPEN_PEER: (
            "/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c no neighbor {subject} shutdown",),
        Deed.LIMIT_PORT: ("/usr/sbin/tc qdisc add dev {subject} root tbf rate {detail}kbit burst 16k latency 20ms",),
        Deed.UNLIMIT_PORT: ("/usr/sbin/tc qdisc del dev {subject} root",),
        Deed.SET_ROUTE: ("/usr/sbin/ip route replace {subject} via {detail}",),
        Deed.UNSET_ROUTE: ("/usr/sbin/ip route del {subject} via {detail}",),
        Deed.STOP_ANNOUNCING: ("/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c no network {subject}",),
        Deed.ANNOUNCE: ("/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c network {subject}",),
        Deed.RELOAD: ("/usr/sbin/reboot",),
        Deed.DESCRIBE_PORT: ("/usr/sbin/ip link set dev {subject} alias {detail}",),
        Deed.DROP_PROTOCOL: ("/usr/sbin/iptables -I FORWARD -p {detail} -d {subject} -j DROP",),
        Deed.PASS_PROTOCOL: ("/usr/sbin/iptables -D FORWARD -p {detail} -d {subject} -j DROP",),
        Deed.SET_MTU: ("/usr/sbin/ip link set dev {subject} mtu {detail}",),
        Deed.UNSET_MTU: ("/usr/sbin/ip link set dev {subject} mtu 1500",),
        Deed.SET_PASSWORD: (
            "/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c neighbor {subject} password *",),
        Deed.UNSET_PASSWORD: (
            "/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c no neighbor {subject} password",),
        Deed.LIMIT_PREFIXES: (
            "/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c neighbor {subject} maximum-prefix 1",),
        Deed.UNLIMIT_PREFIXES: (
            "/usr/bin/vtysh -c configure terminal -c router bgp {detail} -c no neighbor {subject} maximum-prefix",),
        Deed.SET_VLAN: ("/usr/sbin/bridge vlan add dev {subject} vid {detail} pvid untagged",),
        Deed.UNSET_VLAN: ("/usr/sbin/bridge vlan del dev {subject} vid {detail}",),
    },
}

_SPEAKS_LIKE = {Vendor.FRR: Vendor.LINUX, Vendor.ARISTA: Vendor.CISCO}
"""Devices whose commands are another system's: EOS takes IOS commands as far as these are concerned."""


def typed(vendor: Vendor, command: Command) -> tuple[str, ...]:
    """The lines that a person, or an automaton, types on a device of that vendor."""
    forms = _FORMS[_SPEAKS_LIKE.get(vendor, vendor)]
    return tuple(
        form.format(subject=command.subject, detail=command.detail, user=command.user)
        for form in forms[command.deed]
    )


def typed_in_time(vendor: Vendor, command: Command) -> tuple[tuple[float, str], ...]:
    """The same lines, each with how long after the first it is typed."""
    period = 0.2 if vendor is Vendor.JUNIPER else 0.4
    return tuple((period * number, line) for number, line in enumerate(typed(vendor, command)))


def typing_seconds(vendor: Vendor, command: Command) -> float:
    """How long after the first line the deed takes effect: with the last line, or on Junos with the commit."""
    commit = 0.3 if vendor is Vendor.JUNIPER else 0.1
    return typed_in_time(vendor, command)[-1][0] + commit
