"""What anyone may know of the settled use: sums in which no party can be told. `disclosure` is the rule, and pure."""
