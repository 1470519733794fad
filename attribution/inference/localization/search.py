"""From no failure at all, step by step to the set of failing elements and devices that explains the losses best."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from attribution.inference.localization.assumptions import Assumptions
from attribution.inference.localization.joint import coupled, log_joint, share_packets
from attribution.inference.localization.state import State
from attribution.inference.localization.tables import NONE, Floats, Integers, Parts

# A step must improve the log posterior by this much: rounding is no reason.
LEAST = 1e-7
# A device is tried where turning it on would cost no more than this, counted with its neighbours as they are.
TRY_ABOVE = -4.0
# A device that fails with higher log odds than this is not tried without: when it was found it improved the whole.
SURE = 20.0
SWEEPS = 8
# An element is a rival of a failing one if it shares this part of what was lost there.
RIVAL = 0.5
# Rates that would move by less than this part of their standard deviation stay.
STILL = 0.3
# The same where sets are weighed against each other.
CLOSE = 0.05
# How much log odds may change when the rates of others follow.
SHIFT = 60.0
# Of more failing elements that depend on each other the rates are integrated over one by one.
MOST_TOGETHER = 6
# exp of more than some seven hundred is no number any more.
LARGEST_FACTOR = 600.0


class Search:
    """Greedy steps on one state: an element fails or recovers, two change places, a device takes over its links."""

    def __init__(self, state: State, parts: Parts, assumptions: Assumptions) -> None:
        self.state = state
        self.parts = parts
        self.assumptions = assumptions
        self.devices_of = parts.devices.turned(parts.elements)
        self.device_share = np.full(len(parts.devices), NONE, dtype=np.int64)
        self.chance = np.full(parts.elements, assumptions.element_failing)
        self._log_chances = np.log(self.chance), np.log1p(-self.chance)

    def move_to(self, state: State) -> None:
        """Go on from the same explanation with another state, of another healthy rate."""
        for element in map(int, np.flatnonzero(self.state.failing)):
            state.put(element, float(self.state.exponents[element]), failing=True)
        self.state = state

    # The prior

    def set_device(self, device: int, share: int) -> None:
        """A device fails with this share of its elements (an index of the assumptions' shares), or not: NONE."""
        self.device_share[device] = share
        members = self.parts.devices[device]
        for element in members:
            spared = 1.0 - self.assumptions.element_failing
            for other in self.devices_of[int(element)]:
                if self.device_share[other] != NONE:
                    spared *= 1.0 - self.assumptions.shares[self.device_share[other]]
            self.chance[element] = 1.0 - spared
        ill, spared_log = self._log_chances
        ill[members], spared_log[members] = np.log(self.chance[members]), np.log1p(-self.chance[members])

    @property
    def log_odds(self) -> Floats:
        """For each element the log odds that it fails, all others as they are."""
        failing, healthy = self._log_chances
        return np.asarray(self.state.log_factor + failing - healthy)

    def log_prior_of_devices(self) -> float:
        failing = int((self.device_share != NONE).sum())
        each = np.log(self.assumptions.device_failing / len(self.assumptions.shares))
        return float(failing * each + (len(self.device_share) - failing) * np.log1p(-self.assumptions.device_failing))

    def log_score(self) -> float:
        """The log posterior of the devices' states; each element may fail or not, all others as they are."""
        state, chance = self.state, self.chance
        calm = ~state.failing
        total = state.log_likelihood + self.log_prior_of_devices()
        total += float((state.log_calm + log_mean(chance, state.log_factor))[calm].sum())
        for element in map(int, np.flatnonzero(state.failing)):
            healthy = np.log1p(-chance[element]) + state.log_calm[element]
            close = np.log(chance[element]) + state.look(element)[1]
            total += float(np.logaddexp(healthy, close)) - state.gain(element)
        return total

    def log_evidence(self, elements: Integers) -> float:
        """The log likelihood of just the present elements failing, whatever their rates are.

        The rates of these elements are integrated over together where they depend on each other, by twos where they
        are many; the others by themselves.
        """
        state = self.state
        total = state.log_likelihood + float(state.log_calm[~state.failing].sum())
        own = elements[state.failing[elements]]
        apart = np.setdiff1d(np.flatnonzero(state.failing), own)
        total += sum(self._alone(int(element)) for element in apart)
        for group in coupled(state, own):
            total += self._together(group)
        return total

    def _alone(self, element: int) -> float:
        return self.state.look(element)[1] - self.state.gain(element)

    def _together(self, group: Integers) -> float:
        alone = sum(self._alone(int(element)) for element in group)
        if len(group) == 1 or len(group) > MOST_TOGETHER:
            return alone
        joint = log_joint(self.state, group)
        if joint is not None:
            return joint
        for one, other in combinations(map(int, group), 2):
            if share_packets(self.state, one, other):
                joint = log_joint(self.state, np.array([one, other], dtype=np.int64))
                if joint is not None:
                    alone += joint - self._alone(one) - self._alone(other)
        return alone

    def close_factors(self, elements: Integers) -> Floats:
        """The log Bayes factors of these elements; those that fail are looked at closely."""
        state = self.state
        factors = state.log_factor[elements].copy()
        for place in np.flatnonzero(state.failing[elements]):
            element = int(elements[place])
            factors[place] = state.look(element)[1] - state.log_calm[element]
        return factors

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
            flipped = self._apart()
            if not flipped:
                break
            for element in flipped:
                self.flip(element)
                around = state.neighbours(element)
                touched |= {element, *map(int, around[state.failing[around]])}
        return touched

    def _apart(self) -> list[int]:
        """The flips that improve the log posterior most, of elements that share nothing: each leaves the other as it
        is, so that they may as well be flipped at once."""
        odds = self.log_odds
        improvement = np.where(self.state.failing, -odds, odds)
        better = np.flatnonzero(improvement > LEAST)
        chosen: list[int] = []
        beside: set[int] = set()
        for element in better[np.argsort(-improvement[better], kind="stable")].tolist():
            if element not in beside:
                chosen.append(element)
            # What improves less than a neighbour waits for it, even if that one waits itself.
            beside.update(self.state.neighbours(element).tolist())
        return chosen

    def flip(self, element: int) -> None:
        state = self.state
        if state.failing[element]:
            state.put(element, state.healthy, failing=False)
        else:
            state.put(element, state.look(element)[0], failing=True)

    def refit(self, elements: set[int], still: float = STILL) -> None:
        """The rates of failing elements move to where they are best, all others as they are, until they stay."""
        state = self.state
        unsettled = np.array(sorted(element for element in elements if state.failing[element]), dtype=np.int64)
        for _ in range(SWEEPS):
            moved: set[int] = set()
            for element in unsettled[state.astray(unsettled, still)].tolist():
                best = state.look(element)[0]
                if abs(np.log(best / state.exponents[element])) > still * state.deviation(element):
                    state.put(element, best, failing=True)
                    around = state.neighbours(element)
                    moved |= set(map(int, around[state.failing[around]]))
            if not moved:
                return
            unsettled = np.array(sorted(moved), dtype=np.int64)

    def place(self, elements: Integers, chosen: frozenset[int], exponents: dict[int, float]) -> None:
        """Of these elements let just the chosen ones fail, at the given exponents or at the best ones."""
        state = self.state
        changed: set[int] = set()
        for element in map(int, elements):
            if state.failing[element] and element not in chosen:
                state.put(element, state.healthy, failing=False)
                changed.add(element)
        for element in map(int, elements):
            if element in chosen and not state.failing[element]:
                state.put(element, exponents.get(element) or state.look(element)[0], failing=True)
                changed.add(element)
        around = {int(other) for element in changed for other in state.neighbours(element) if state.failing[other]}
        self.refit(changed | around, CLOSE)

    def may_be_spared(self, element: int, within: float) -> bool:
        """Whether other failing elements might explain what this one lost, if they lost more than now."""
        state = self.state
        others = state.rivals(element, RIVAL)
        return bool(state.failing[others].any()) and bool(self.log_odds[element] < within + SHIFT)

    def entangled(self, elements: Integers) -> Integers:
        """These elements and the failing ones that share packets with them."""
        state = self.state
        around = np.unique(np.concatenate([elements, *[state.neighbours(int(element)) for element in elements]]))
        return np.asarray(around[state.failing[around] | np.isin(around, elements)])

    def rivals_if_healthy(self, element: int, within: float) -> dict[int, float]:
        """The elements that would explain what this one lost, if it did not, nearly as well or better: how much."""
        state = self.state
        rivals = state.rivals(element, RIVAL)
        rivals = rivals[~state.failing[rivals]]
        if not len(rivals):
            return {}
        kept = state.exponents[element]
        state.put(element, state.healthy, failing=False)
        odds = self.log_odds
        better = odds[rivals] - odds[element]
        state.put(element, kept, failing=True)
        near = better > -within
        return dict(zip(rivals[near].tolist(), better[near].tolist(), strict=True))

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
        hopes = self.log_odds_of_devices()
        tried = np.flatnonzero((self.device_share != NONE) | (hopes >= TRY_ABOVE))
        for device in tried[np.argsort(-hopes[tried], kind="stable")]:
            hope = float(hopes[device])
            if improved:  # what was found since may leave nothing to it
                hope = float(self.log_odds_of_devices(device[None])[0])
            off = self.device_share[device] == NONE
            if (off and hope >= TRY_ABOVE) or (not off and hope <= SURE):
                improved |= self._try_device(int(device))
        return improved

    def log_odds_of_devices(self, devices: Integers | None = None) -> Floats:
        """For each device (or each of these) the log odds that it fails, all others and the elements' neighbours as
        they are."""
        chosen = np.arange(len(self.parts.devices)) if devices is None else devices
        lists = self.parts.devices.chosen(chosen)
        owners, members = lists.owners(), lists.items
        factor, otherwise = self.state.log_factor[members], self.chance[members]
        for place in np.flatnonzero(self.device_share[chosen] != NONE):
            own = owners == place
            share = self.assumptions.shares[self.device_share[chosen[place]]]
            otherwise[own] = 1.0 - (1.0 - otherwise[own]) / (1.0 - share)
        now = log_mean(otherwise, factor)
        odds = np.full(len(chosen), -np.inf)
        price = np.log(self.assumptions.device_failing / len(self.assumptions.shares))
        for share in self.assumptions.shares:
            chance = 1.0 - (1.0 - otherwise) * (1.0 - share)
            then = log_mean(chance, factor)
            odds = np.logaddexp(odds, price + np.bincount(owners, weights=then - now, minlength=len(odds)))
        return np.asarray(odds - np.log1p(-self.assumptions.device_failing))

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


def log_mean(chance: Floats, log_factor: Floats) -> Floats:
    """log(1 - c + c·exp(f)): how much better something is explained that has, with chance c, the Bayes factor exp(f).

    The library's logaddexp says the same and takes many times as long.
    """
    within = np.minimum(log_factor, LARGEST_FACTOR)  # beyond, the rest of 1 is nothing beside it
    return np.asarray(np.log1p(chance * np.expm1(within)) + (log_factor - within))
