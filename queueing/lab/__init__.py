"""The classroom: figures, boards and exercises for the notebooks, and nothing that they compute.

A notebook says `from queueing.lab import ask, draw, sizing_board`.
"""

from queueing.lab import figures
from queueing.lab.answers import ask, reveal
from queueing.lab.boards import Board, sizing_board
from queueing.lab.bursts import Bursts, bursts
from queueing.lab.busy import ramp
from queueing.lab.chance import sampled_p95_ms
from queueing.lab.crowded import flash, rush, rush_hour, scaled_design, told
from queueing.lab.crowding import boots, crowded_case, full_board, through_rush
from queueing.lab.design_board import DesignBoard, design_board
from queueing.lab.drilled import attempt_law, draw_duplicates, duplicates_a_day, mail_drill
from queueing.lab.drilling import drill_board
from queueing.lab.fresh import alarms, by_priority, standstill
from queueing.lab.freshness import came_and_sent, late_picture, workers_board
from queueing.lab.house import House, count_heads, sending
from queueing.lab.journey import Journey, crowded, inside, stages, total
from queueing.lab.judged import errors_picture, exact_waits, kingman_errors, rule_errors
from queueing.lab.lanes import lanes, lanes_table
from queueing.lab.layouts import design_picture, worker_missing
from queueing.lab.little import depth_picture, littles_board, staircases
from queueing.lab.meeting import meet, meeting_picture, strip_picture
from queueing.lab.mixed import requests, slower
from queueing.lab.moving import four_ways
from queueing.lab.nines import Nines, downtimes
from queueing.lab.notified import draw_turns, two_classes
from queueing.lab.own_queue import own_board, own_picture, try_trace
from queueing.lab.picture import Picture, draw
from queueing.lab.pooled import processors
from queueing.lab.pooling import pooling_board, routes, spare
from queueing.lab.released import backlog_picture, released
from queueing.lab.request_figures import by_number, tails
from queueing.lab.request_path import path_board
from queueing.lab.retried import Retrying, clients, mail_policy, storm, workers_load
from queueing.lab.retrying import after_stall, crowd, loop_picture, retry_board
from queueing.lab.single import one_server_board, ramp_picture
from queueing.lab.streamed import (
    Streams,
    backlogs,
    events_per_second,
    noisier,
    stream_rate,
    tandem,
)
from queueing.lab.streaming import stream_board
from queueing.lab.surge import beside_table, readme_picture, surge_board, surge_picture
from queueing.lab.surge_figures import uptimes
from queueing.lab.tables import component_table, contract_table
from queueing.lab.traced import read_trace, trace_picture
from queueing.lab.uptime import frontier, minutes_of, uptime_board
from queueing.lab.uptime_exercises import server_group
from queueing.lab.variability import blame, variability_board
from queueing.lab.whiteboard import by_hand

__all__ = [
    "Board",
    "Bursts",
    "DesignBoard",
    "House",
    "Journey",
    "Nines",
    "Picture",
    "Retrying",
    "Streams",
    "after_stall",
    "alarms",
    "ask",
    "attempt_law",
    "backlog_picture",
    "backlogs",
    "beside_table",
    "blame",
    "boots",
    "bursts",
    "by_hand",
    "by_number",
    "by_priority",
    "came_and_sent",
    "clients",
    "component_table",
    "contract_table",
    "count_heads",
    "crowd",
    "crowded",
    "crowded_case",
    "depth_picture",
    "design_board",
    "design_picture",
    "downtimes",
    "draw",
    "draw_duplicates",
    "draw_turns",
    "drill_board",
    "duplicates_a_day",
    "errors_picture",
    "events_per_second",
    "exact_waits",
    "figures",
    "flash",
    "four_ways",
    "frontier",
    "full_board",
    "inside",
    "kingman_errors",
    "lanes",
    "lanes_table",
    "late_picture",
    "littles_board",
    "loop_picture",
    "mail_drill",
    "mail_policy",
    "meet",
    "meeting_picture",
    "minutes_of",
    "noisier",
    "one_server_board",
    "own_board",
    "own_picture",
    "path_board",
    "pooling_board",
    "processors",
    "ramp",
    "ramp_picture",
    "read_trace",
    "readme_picture",
    "released",
    "requests",
    "retry_board",
    "reveal",
    "routes",
    "rule_errors",
    "rush",
    "rush_hour",
    "sampled_p95_ms",
    "scaled_design",
    "sending",
    "server_group",
    "sizing_board",
    "slower",
    "spare",
    "stages",
    "staircases",
    "standstill",
    "storm",
    "stream_board",
    "stream_rate",
    "strip_picture",
    "surge_board",
    "surge_picture",
    "tails",
    "tandem",
    "through_rush",
    "told",
    "total",
    "trace_picture",
    "try_trace",
    "two_classes",
    "uptime_board",
    "uptimes",
    "variability_board",
    "worker_missing",
    "workers_board",
    "workers_load",
]
