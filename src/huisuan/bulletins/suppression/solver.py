"""HiGHS as this room uses it: silent, on one thread, by simplex, so that the same program has the same answer."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
ProgramRow = tuple[float, float, list[int], list[float]]  # lowest, highest, columns, coefficients


class SilentHighs(highspy.Highs):
    """HiGHS without its banner, which would stand before a command's JSON."""

    def enableCallbacks(self) -> None:  # noqa: N802
        """Called by the constructor; the first that would print."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def load_program(cost: Numbers, lower: Numbers, upper: Numbers, rows: list[ProgramRow]) -> SilentHighs:
    """A program to be minimised: columns with bounds; rows as lowest, highest, columns, coefficients."""
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = len(cost), len(rows)
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = cost, lower, upper
    problem.row_lower_ = np.array([row[0] for row in rows], float)
    problem.row_upper_ = np.array([row[1] for row in rows], float)
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_ = np.cumsum([0, *(len(row[2]) for row in rows)])
    problem.a_matrix_.index_ = np.array([column for row in rows for column in row[2]], np.int32)
    problem.a_matrix_.value_ = np.array([value for row in rows for value in row[3]], float)
    solver = SilentHighs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("presolve", "off")
    solver.passModel(problem)
    return solver
