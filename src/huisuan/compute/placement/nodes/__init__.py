"""The nodes of one pool: free cards, best fit, releases. Integers only; it knows neither jobs nor pools.

For `placement` alone, and for rooms that count free nodes in bins (`dispatch.pools`). Imports nothing of `placement`.
"""

from huisuan.compute.placement.nodes.bin_packing import Packing, packing
from huisuan.compute.placement.nodes.node_bins import Nodes, bins_without, pieces_on, shape
from huisuan.compute.placement.nodes.releases import Releases

__all__ = ["Nodes", "Packing", "Releases", "bins_without", "packing", "pieces_on", "shape"]
