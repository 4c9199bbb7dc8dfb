"""How `make lab` serves: one line a decision. The Makefile's JUPYTER_CONFIG_PATH brings it here."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter puts it there

c.ServerApp.ip = "127.0.0.1"  # this machine only, and with a token, which is Jupyter's default
c.ServerApp.port_retries = 0  # the port that was asked for, or an error
c.ServerApp.allow_root = hasattr(os, "geteuid") and os.geteuid() == 0  # in a container
c.LabApp.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.LabApp.app_settings_dir = str(Path(__file__).with_name("settings"))  # how a .md opens
c.LabApp.news_url = None  # no toast that asks about news
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.KernelSpecManager.allowed_kernelspecs = {"python3"}  # the one that sees the installed packages
c.KernelManager.transport_encryption = "auto"  # kernels keep to themselves, and need not warn
c.LanguageServerManager.autodetect = False  # it would ask npm, which writes into the home folder
