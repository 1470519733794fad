"""From no failure at all, step by step to the set of failing elements and devices that explains the losses best."""

from __future__ import annotations

import numpy as np

from attribution.inference.localization.assumptions import Assumptions
from attribution.inference.localization.state import State
from attribution.inference.localization.tables import NONE, Floats, Integers, Parts

# A step must improve the log posterior by this much: rounding is no reason.
LEAST = 1e-7
# A device is tried where turning it on would cost no more than this, counted with its neighbours as they are.
TRY_ABOVE = -8.0
SWEEPS = 8
# An element is a rival of a failing one if it shares this part of what was lost there.
RIVAL = 0.5
# Rates that would move by less than this share stay.
STILL = 0.02


class Search:
    """Greedy steps on one state: an element fails or recovers, two change places, a device takes over its links."""

    def __init__(self, state: State, parts: Parts, assumptions: Assumptions) -> None:
        self.state = state
        self.parts = parts
        self.assumptions = assumptions
        self.devices_of = parts.devices.turned(parts.elements)
        self.device_share = np.full(len(parts.devices), NONE, dtype=np.int64)
        self.chance = np.full(parts.elements, assumptions.element_failing)

    def move_to(self, state: State) -> None:
        """Go on from the same explanation with another state, of another healthy rate."""
        for element in map(int, np.flatnonzero(self.state.failing)):
            state.put(element, float(self.state.exponents[element]), failing=True)
        self.state = state

    # The prior

    def set_device(self, device: int, share: int) -> None:
        """A device fails with this share of its elements (an index of the assumptions' shares), or NONE: it does not."""
        self.device_share[device] = share
        for element in self.parts.devices[device]:
            spared = 1.0 - self.assumptions.element_failing
            for other in self.devices_of[int(element)]:
                if self.device_share[other] != NONE:
                    spared *= 1.0 - self.assumptions.shares[self.device_share[other]]
            self.chance[element] = 1.0 - spared

    @property
    def log_odds(self) -> Floats:
        """For each element the log odds that it fails, all others as they are."""
        return self.state.log_factor + np.log(self.chance) - np.log1p(-self.chance)

    def log_prior_of_devices(self) -> float:
        failing = int((self.device_share != NONE).sum())
        each = np.log(self.assumptions.device_failing / len(self.assumptions.shares))
        return float(failing * each + (len(self.device_share) - failing) * np.log1p(-self.assumptions.device_failing))

    def log_score(self) -> float:
        """The log posterior of the devices' states; each element may fail or not, all others as they are."""
        state = self.state
        calm = ~state.failing
        chance = self.chance[calm]
        total = state.log_likelihood + self.log_prior_of_devices()
        total += float(
            np.logaddexp(np.log1p(-chance) + state.log_calm[calm], np.log(chance) + state.log_ill[calm]).sum()
        )
        for element in map(int, np.flatnonzero(state.failing)):
            gain = float(state.gains_of(element, state.exponents[[element]])[0])
            ill = np.log(self.chance[element]) + state.look(element)[1]
            total += float(np.logaddexp(np.log1p(-self.chance[element]) + state.log_calm[element], ill)) - gain
        return total

    # Steps

    def settle(self) -> None:
        """Single flips, then exchanges, then devices, until nothing improves the explanation."""
        for _ in range(SWEEPS):
            self.climb()
            if not (self.try_devices() | self.exchange()):
                return

    def climb(self) -> None:
        """Flip the element that improves the log posterior most, as long as one does, and bring the rates in line."""
        for _ in range(SWEEPS):
            touched = self._flips()
            if not touched:
                return
            self.refit(touched)

    def _flips(self) -> set[int]:
        """Flip one after the other without changing the rates of those that failed before; which may be touched."""
        state = self.state
        touched: set[int] = set()
        for _ in range(4 * len(state.failing) + 4):
            odds = self.log_odds
            improvement = np.where(state.failing, -odds, odds)
            best = int(improvement.argmax())
            if improvement[best] <= LEAST:
                break
            self.flip(best)
            around = state.neighbours(best)
            touched |= {best, *map(int, around[state.failing[around]])}
        return touched

    def flip(self, element: int) -> None:
        state = self.state
        if state.failing[element]:
            state.put(element, state.healthy, failing=False)
        else:
            state.put(element, state.look(element)[0], failing=True)

    def refit(self, elements: set[int]) -> None:
        """The rates of failing elements move to where they are best, all others as they are, until they stay."""
        state = self.state
        open_elements = sorted(element for element in elements if state.failing[element])
        for _ in range(SWEEPS):
            moved = set()
            for element in open_elements:
                best = state.look(element)[0]
                if abs(np.log(best / state.exponents[element])) > STILL:
                    state.put(element, best, failing=True)
                    around = state.neighbours(element)
                    moved |= set(map(int, around[state.failing[around]]))
            if not moved:
                return
            open_elements = sorted(moved)

    def exchange(self) -> bool:
        """Take each failing element out: if another explains what it leaves better, that one takes its place."""
        state = self.state
        improved = False
        for element in np.flatnonzero(state.failing):
            around = state.rivals(int(element), RIVAL)
            around = around[~state.failing[around]]
            if not len(around):
                continue
            kept = state.exponents[element]
            state.put(int(element), state.healthy, failing=False)
            odds = self.log_odds
            best = int(around[odds[around].argmax()])
            if odds[best] > odds[element] + LEAST:
                self.flip(best)
                self.refit({best, *map(int, state.neighbours(best))})
                improved = True
            else:
                state.put(int(element), kept, failing=True)
        return improved

    def try_devices(self) -> bool:
        """Turn each promising device on or off, follow with single flips, and keep what improves the whole."""
        improved = False
        hopes = self.hopes()
        order = np.argsort(-hopes, kind="stable")
        for device in order:
            off = self.device_share[device] == NONE
            if off and hopes[device] < TRY_ABOVE:
                continue
            improved |= self._try_device(int(device))
        return improved

    def hopes(self) -> Floats:
        """For each device, how much turning it on would improve the log posterior, all elements one by one."""
        factor = np.minimum(self.state.log_factor, 600.0)
        owners, members = self.parts.devices.owners(), self.parts.devices.items
        chance = self.chance[members]
        now = np.logaddexp(np.log1p(-chance), np.log(chance) + factor[members])
        best = np.full(len(self.parts.devices), -np.inf)
        price = np.log(self.assumptions.device_failing / len(self.assumptions.shares))
        for share in self.assumptions.shares:
            then = np.logaddexp(np.log(1 - share), np.log(share) + factor[members])
            gain = np.bincount(owners, weights=then - now, minlength=len(best))
            best = np.maximum(best, gain + price)
        return best

    def best_share(self, device: int) -> int:
        factor = self.state.log_factor[self.parts.devices[device]]
        shares = np.array(self.assumptions.shares)[:, None]
        return int(np.logaddexp(np.log(1 - shares), np.log(shares) + factor[None, :]).sum(axis=1).argmax())

    def _try_device(self, device: int) -> bool:
        before = self.log_score()
        kept = self.snapshot()
        if self.device_share[device] == NONE:
            self.set_device(device, self.best_share(device))
            self.climb()
            self.set_device(device, self.best_share(device))
        else:
            self.set_device(device, NONE)
        self.climb()
        if self.log_score() > before + LEAST:
            return True
        self.restore(kept)
        return False

    def snapshot(self) -> tuple[Integers, Floats, Integers]:
        failing = np.flatnonzero(self.state.failing)
        return failing, self.state.exponents[failing].copy(), self.device_share.copy()

    def restore(self, kept: tuple[Integers, Floats, Integers]) -> None:
        failing, exponents, shares = kept
        for device in np.flatnonzero(self.device_share != shares):
            self.set_device(int(device), int(shares[device]))
        for element in np.setdiff1d(np.flatnonzero(self.state.failing), failing):
            self.state.put(int(element), self.state.healthy, failing=False)
        for element, exponent in zip(failing, exponents, strict=True):
            self.state.put(int(element), float(exponent), failing=True)
