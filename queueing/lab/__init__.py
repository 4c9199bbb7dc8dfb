"""The classroom: figures, boards and exercises for the notebooks, and nothing that they compute.

A notebook says `from queueing.lab import ask, draw, sizing_board`.
"""

from queueing.lab import figures
from queueing.lab.answers import ask, reveal
from queueing.lab.boards import Board, sizing_board
from queueing.lab.chance import sampled_p95_ms
from queueing.lab.layouts import design_picture, worker_missing
from queueing.lab.picture import Picture, draw
from queueing.lab.pooled import processors
from queueing.lab.pooling import pooling_board, routes, spare
from queueing.lab.surge import beside_table, readme_picture, surge_board, surge_picture
from queueing.lab.surge_figures import uptimes
from queueing.lab.tables import component_table, contract_table

__all__ = [
    "Board",
    "Picture",
    "ask",
    "beside_table",
    "component_table",
    "contract_table",
    "design_picture",
    "draw",
    "figures",
    "pooling_board",
    "processors",
    "readme_picture",
    "reveal",
    "routes",
    "sampled_p95_ms",
    "sizing_board",
    "spare",
    "surge_board",
    "surge_picture",
    "uptimes",
    "worker_missing",
]
