"""惠算 Huisuan: from card-hours to yuan, provably."""
