"""The classroom: figures, boards and exercises for the notebooks, and nothing that they compute.

A notebook says `from queueing.lab import ask, draw, sizing_board`.
"""

from queueing.lab import figures
from queueing.lab.answers import ask, reveal
from queueing.lab.boards import Board, sizing_board
from queueing.lab.chance import sampled_p95_ms
from queueing.lab.layouts import design_picture, worker_missing
from queueing.lab.picture import Picture, draw
from queueing.lab.tables import component_table, contract_table

__all__ = [
    "Board",
    "Picture",
    "ask",
    "component_table",
    "contract_table",
    "design_picture",
    "draw",
    "figures",
    "reveal",
    "sampled_p95_ms",
    "sizing_board",
    "worker_missing",
]
