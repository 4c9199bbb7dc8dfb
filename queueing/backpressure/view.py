"""What the users of a system see of its backpressure."""

from dataclasses import dataclass

import pandas as pd

_COLUMNS = ("accepted", "delayed", "shed", "lost", "throughput", "mean_wait")


@dataclass(frozen=True, kw_only=True, repr=False)
class UserView:
    """The fate of the arrivals, in shares of them: accepted + shed + lost = 1, delayed <= accepted.

    `accepted` are served in the end, `delayed` are those of them who first wait. `shed` are turned
    away at the door and told so; `lost` had a place and are dropped from it. `throughput` is
    completed per second; `mean_wait` is the mean seconds before service of the accepted, those who
    do not wait included; both are limits of long runs, and an overloaded line waits `inf`. `held`
    is the share that stands outside a full system until a place is free. `classes` has a view for
    each priority, the first is the highest, and is empty where there is but one.
    """

    accepted: float
    delayed: float
    shed: float
    lost: float
    throughput: float
    mean_wait: float
    held: float = 0.0
    classes: tuple["UserView", ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a table of a row for all arrivals and one for each class, shares as fractions."""
        views = {"all": self} | {f"class {k}": view for k, view in enumerate(self.classes, 1)}
        rows = [[getattr(view, name) for name in _COLUMNS] for view in views.values()]
        return pd.DataFrame(rows, columns=list(_COLUMNS), index=list(views))

    def __repr__(self) -> str:
        """Say it in a sentence, and in one more for each class."""
        return "\n".join([_sentence(self), *(f"  {_sentence(view)}" for view in self.classes)])

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shares = dict.fromkeys(_COLUMNS[:4], "{:.2%}".format)
        plain = dict.fromkeys(_COLUMNS[4:], "{:.4g}".format)
        titles = {"throughput": "throughput (1/s)", "mean_wait": "mean wait (s)"}
        for name, form in (shares | plain).items():
            frame[name] = [form(value) for value in frame[name]]
        return str(frame.rename(columns=titles).to_html(border=0))


def _sentence(view: UserView) -> str:
    shares = [f"{name} {100 * getattr(view, name):.4g} %" for name in _COLUMNS[:4]]
    return f"{', '.join(shares)}; {view.throughput:.4g}/s, mean wait {view.mean_wait:.4g} s"
