"""惠算 Huisuan: from card-hours to yuan, provably."""

__version__ = "0.1.0"
