"""How good a pool is for a job: five parts, each an integer of millionths times its weight; less is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from huisuan.compute.placement.types import POINT, Needs, PlacementTenant, Pool, ScoredPool
from huisuan.compute.placement.weights import Weights

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """What a price means to a tenant at that moment. Exact, in whole numbers: `of` / `per` of a bill comes back.

    `left`: how much may still come back, in fen x 3600 x per (None: no cap). Nothing does at `no_subsidy_at`; at some
    centres it is another share (`of_at`, of the same `per`).
    """

    weights: Weights
    of: int = 0
    per: int = 1
    left: int | None = None
    no_subsidy_at: frozenset[str] = frozenset()
    of_at: tuple[tuple[str, int], ...] = ()

    @classmethod
    def before(cls, tenant: PlacementTenant, weights: Weights) -> PriceTerms:
        """The tenant's terms before anything is placed."""
        per = math.lcm(tenant.subsidy.denominator, *(share.denominator for _, share in tenant.subsidy_at))
        of_at = tuple((centre, int(share * per)) for centre, share in tenant.subsidy_at)
        fen = tenant.remaining_fen
        left = None if fen is None else max(fen, 0) * _HOUR * per
        return cls(weights, int(tenant.subsidy * per), per, left, tenant.no_subsidy_at, of_at)

    @property
    def most(self) -> int:
        """The largest share that comes back anywhere, of `per`."""
        return max([self.of, *(of for _, of in self.of_at)])

    def back(self, pool: Pool, card_seconds: int) -> int:
        """What comes back of the bill of so many card-seconds, as far as the cap still goes; in fen x 3600 x per."""
        if pool.fen_per_card_hour is None or pool.centre in self.no_subsidy_at:
            return 0
        of = dict(self.of_at).get(pool.centre, self.of) if self.of_at else self.of
        back = of * pool.fen_per_card_hour * card_seconds
        return back if self.left is None else min(back, self.left)

    def after(self, pool: Pool, card_seconds: int) -> PriceTerms:
        """The terms once a job of so many card-seconds is placed there."""
        if self.left is None or not self.left:
            return self
        return PriceTerms(
            self.weights, self.of, self.per, self.left - self.back(pool, card_seconds), self.no_subsidy_at, self.of_at
        )


def net_fen(pool: Pool, terms: PriceTerms, card_seconds: int) -> Fraction | None:
    """Fen per card-hour that the tenant pays itself for a job of so many card-seconds; None without a price."""
    if pool.fen_per_card_hour is None:
        return None
    if card_seconds <= 0:
        return Fraction(pool.fen_per_card_hour)
    return pool.fen_per_card_hour - Fraction(terms.back(pool, card_seconds), terms.per * card_seconds)


def score_pool(
    needs: Needs, pool: Pool, terms: PriceTerms, card_seconds: int, now_s: int, wait_s: int, fragmentation: int
) -> ScoredPool:
    """A pool where the job waits so long before it begins, with its parts."""
    parts = {
        "start": start_part(wait_s, terms.weights),
        "price": price_part(pool, terms, card_seconds),
        "distance": distance_part(needs, pool, terms.weights),
        "fit": fit_part(needs, pool, terms.weights),
        "fragmentation": fragmentation,
    }
    return ScoredPool(pool, parts, now_s + wait_s, net_fen(pool, terms, card_seconds))


def rest_part(needs: Needs, pool: Pool, weights: Weights) -> int:
    """Start, distance and fit: what neither tenant nor placements change."""
    return start_part(pool.wait_s, weights) + distance_part(needs, pool, weights) + fit_part(needs, pool, weights)


def price_part(pool: Pool, terms: PriceTerms, card_seconds: int) -> int:
    """By the net price of a job of so many card-seconds; a pool without a price counts as an expensive one."""
    weights, price = terms.weights, pool.fen_per_card_hour
    if price is None:
        return weights.score.price * weights.scale.price_unknown
    seconds = max(card_seconds, 1)
    net = price * seconds * terms.per - terms.back(pool, seconds)
    return weights.score.price * (net * POINT // (seconds * terms.per * weights.scale.price_fen))


def start_part(seconds: int, weights: Weights) -> int:
    """By how long it still waits: half of the part after `start_half_s`, never more than the whole."""
    return weights.score.start * (POINT * seconds // (seconds + weights.scale.start_half_s))


def distance_part(needs: Needs, pool: Pool, weights: Weights) -> int:
    """By how far the data is; nothing where the job names no place for it."""
    scale = weights.scale
    if needs.data_centre == pool.centre or (needs.data_centre is None and needs.data_city is None):
        far = 0
    elif needs.data_city == pool.city:
        far = scale.same_city if needs.data_centre is not None else 0
    else:
        far = scale.elsewhere
    return weights.score.distance * far


def fit_part(needs: Needs, pool: Pool, weights: Weights) -> int:
    """By how much stronger the card is than what is needed: an H100 is not spent on a T4's work."""
    more_tenths = int((pool.tflops_fp16 - needs.min_tflops_fp16) * 10)
    more_gib = pool.memory_gib - needs.min_memory_gib
    speed = POINT * more_tenths // (10 * weights.scale.tflops)
    memory = POINT * more_gib // weights.scale.memory_gib
    return weights.score.fit * ((speed + memory) // 2)


def fragmentation_part(delta: int, pool: Pool, weights: Weights) -> int:
    """By the fragmentation that a job adds (thousandths of a card) against a whole node; negative: it removes some."""
    return weights.score.fragmentation * (delta * (POINT // 1_000) // pool.cards_per_node)
