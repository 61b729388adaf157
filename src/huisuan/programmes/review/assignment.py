"""The cheapest assignment of experts to applications, found by HiGHS and proved in whole numbers.

Every application gets so many experts; an expert's k-th review costs more than the one before, so that loads are as
even as can be (least sum of squares), and among all even assignments the random costs decide. The matrix is that of a
flow, totally unimodular: a vertex of the linear program is integral. Costs are integers below 2**53, so the solver's
duals are exact, and `_prove` checks optimality with them in int64: a draw that cannot be proved is not given out.

Most pairs never matter: the program begins with the cheapest pairs of each application and expert, and takes in those
whose reduced cost is negative until none is (column generation), which is the optimum over all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.int64]
Pairs = NDArray[np.bool_]

COST_BITS = 32  # of a random cost
_EXACT_BITS = 51  # integers of doubles that add and subtract without rounding, one bit spared
_FIRST_PAIRS = 20  # cheapest pairs of each application and expert to begin with, beyond the panel
_LACK_COST_BITS = 20


@dataclass(frozen=True)
class Assignment:
    """Which pairs were taken (applications x experts), and how many seats each application lacks (0: none)."""

    taken: Pairs
    lacking: NDArray[np.int64]


def assign(costs: Costs, allowed: Pairs, panel: int, loads: NDArray[np.int64], most: int) -> Assignment | None:
    """`panel` experts for every row, none above `most` reviews with what `loads` has already; None: it cannot be done.

    `costs` are integers in [0, 2**32). The result is a function of the arguments alone; the row order decides nothing
    unless two assignments cost the same to the last unit.

    Raises:
        RuntimeError: the solver's answer could not be proved to be the optimum.
    """
    rows, experts = costs.shape
    if rows == 0:
        return Assignment(np.zeros(costs.shape, bool), np.zeros(0, np.int64))
    bits = min(COST_BITS, _EXACT_BITS - (experts + 1).bit_length() - (most + 1).bit_length())
    program = _Program(costs >> (COST_BITS - bits), allowed, panel, _slots(loads, most, rows * panel, experts << bits))
    wanted = _cheapest(costs, allowed, panel + _FIRST_PAIRS)
    while True:
        solved = program.solve(wanted)
        if solved is None:
            if wanted.sum() == allowed.sum():
                return None
            wanted = allowed
            continue
        taken, duals = solved
        reduced = program.costs - duals[:rows, None] - duals[None, rows:]
        missed = allowed & ~wanted & (reduced < 0)
        if not missed.any():
            program.prove(taken, reduced)
            return Assignment(taken, np.zeros(rows, np.int64))
        wanted = wanted | missed


def assign_what_can_be(
    costs: Costs, allowed: Pairs, panel: int, loads: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """How many seats of each application stay empty where the fewest possible do; the costs choose among equals.

    Raises:
        RuntimeError: the solver gave no integral answer.
    """
    rows, experts = costs.shape
    at_row, at_expert = np.nonzero(allowed)
    pairs = len(at_row)
    spare = np.maximum(most - loads, 0)
    lack_cost = (rows + experts) << _LACK_COST_BITS  # above what any exchange of pairs saves
    matrix = _pair_matrix(at_row, rows + at_expert)
    columns = _Columns(
        cost=np.concatenate([costs[at_row, at_expert] >> (COST_BITS - _LACK_COST_BITS), np.full(rows, lack_cost)]),
        upper=np.concatenate([np.ones(pairs), np.full(rows, panel)]),
        starts=np.concatenate([matrix[0], 2 * pairs + np.arange(rows + 1)]),
        index=np.concatenate([matrix[1], np.arange(rows)]),
        value=np.ones(2 * pairs + rows),
    )
    lower = np.concatenate([np.full(rows, panel), np.zeros(experts)])
    upper = np.concatenate([np.full(rows, panel), spare])
    solved = _run(columns, lower, upper)
    if solved is None:
        raise RuntimeError("the assignment with empty seats has always an answer")
    return solved[0][pairs:].astype(np.int64)


def _slots(loads: NDArray[np.int64], most: int, seats: int, weight: int) -> tuple[NDArray[np.int64], Costs]:
    """For every review that an expert could still take: whose it is, and what it costs beside the pair.

    The weight exceeds what any chain of exchanges saves in random costs (it passes each expert once), so evenness goes
    first. Costs are counted from the mean load, to keep them small.
    """
    mean = int((int(loads.sum()) + seats) // max(len(loads), 1))
    owners = [np.full(max(most - int(load), 0), expert, np.int64) for expert, load in enumerate(loads)]
    costs = [(np.arange(int(load) + 1, most + 1, dtype=np.int64) - mean) * weight for load in loads]
    return np.concatenate(owners), np.concatenate(costs)


def _cheapest(costs: Costs, allowed: Pairs, number: int) -> Pairs:
    """The so many cheapest allowed pairs of each application and of each expert."""
    found = np.zeros(costs.shape, bool)
    dear = np.where(allowed, costs, np.int64(1) << 62)
    for axis in (0, 1):
        order = np.argsort(dear, axis=axis, kind="stable")
        np.put_along_axis(found, order.take(range(min(number, order.shape[axis])), axis=axis), True, axis=axis)
    return found & allowed


def _pair_matrix(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Columns with a 1 in two rows each, in compressed form: where each begins, and its rows."""
    index = np.empty(2 * len(first), np.int64)
    index[0::2], index[1::2] = first, second
    return np.arange(0, 2 * len(first), 2), index


@dataclass(frozen=True)
class _Columns:
    """Columns of a linear program from 0 to `upper`, in compressed form."""

    cost: NDArray[Any]
    upper: NDArray[Any]
    starts: NDArray[Any]
    index: NDArray[Any]
    value: NDArray[Any]


class _Program:
    """The assignment as a flow: seats of applications, experts, and the reviews that each expert can take."""

    def __init__(self, costs: Costs, allowed: Pairs, panel: int, slots: tuple[NDArray[np.int64], Costs]) -> None:
        self.costs, self.allowed, self.panel = costs, allowed, panel
        self.owners, self.slot_costs = slots
        self._slots_taken = np.zeros(len(self.owners), bool)
        self._slots_reduced = self.slot_costs

    def solve(self, wanted: Pairs) -> tuple[Pairs, NDArray[np.int64]] | None:
        """The optimum over these pairs and its duals, in whole numbers; None: no such assignment."""
        rows, experts = self.costs.shape
        at_row, at_expert = np.nonzero(wanted)
        pairs, slots = len(at_row), len(self.owners)
        starts, index = _pair_matrix(at_row, rows + at_expert)
        columns = _Columns(
            cost=np.concatenate([self.costs[at_row, at_expert], self.slot_costs]),
            upper=np.ones(pairs + slots),
            starts=np.concatenate([starts, 2 * pairs + np.arange(slots + 1)]),
            index=np.concatenate([index, rows + self.owners]),
            value=np.concatenate([np.ones(2 * pairs), -np.ones(slots)]),
        )
        ends = np.concatenate([np.full(rows, self.panel), np.zeros(experts)])
        solved = _run(columns, ends, ends)
        if solved is None:
            return None
        values, duals = solved
        taken = np.zeros(self.costs.shape, bool)
        taken[at_row, at_expert] = values[:pairs] == 1
        self._slots_taken = values[pairs:] == 1
        self._slots_reduced = self.slot_costs + duals[rows + self.owners]
        return taken, duals

    def prove(self, taken: Pairs, reduced: NDArray[np.int64]) -> None:
        """Check the answer against the problem, and that no pair or review would be better taken or left."""
        loads = np.bincount(self.owners[self._slots_taken], minlength=self.costs.shape[1])
        right = (
            not (taken & ~self.allowed).any()
            and (taken.sum(axis=1) == self.panel).all()
            and (taken.sum(axis=0) == loads).all()
            and not (reduced[taken] > 0).any()
            and not (reduced[self.allowed & ~taken] < 0).any()
            and not (self._slots_reduced[self._slots_taken] > 0).any()
            and not (self._slots_reduced[~self._slots_taken] < 0).any()
        )
        if not right:
            raise RuntimeError("the solver's assignment could not be proved to be the best")


class _Solver(highspy.Highs):
    """HiGHS, silent from the start: its constructor prints a banner, which would stand before a command's JSON."""

    def enableCallbacks(self) -> None:  # noqa: N802
        """Called by the constructor; the first that would print."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def _run(columns: _Columns, lower: NDArray[Any], upper: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]] | None:
    """Solve by simplex, for a vertex; values and duals, both checked to be whole. None: infeasible."""
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = len(columns.cost), len(lower)
    problem.col_cost_ = columns.cost.astype(float)
    problem.col_lower_ = np.zeros(len(columns.cost))
    problem.col_upper_ = columns.upper.astype(float)
    problem.row_lower_, problem.row_upper_ = lower.astype(float), upper.astype(float)
    problem.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    problem.a_matrix_.start_, problem.a_matrix_.index_ = columns.starts, columns.index
    problem.a_matrix_.value_ = columns.value
    solver = _Solver()  # type: ignore[no-untyped-call]
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("presolve", "off")
    solver.passModel(problem)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    solution = solver.getSolution()
    values, duals = np.array(solution.col_value), np.array(solution.row_dual)
    whole = values.round()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal or np.abs(values - whole).max(initial=0) > 1e-6:
        raise RuntimeError(f"HiGHS: {solver.getModelStatus()}")
    return whole, duals.round().astype(np.int64)
