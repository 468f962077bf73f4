#!/usr/bin/python3
"""Draws the liquidation map of charts' benchmark with matplotlib, the way a
careful author would: one PolyCollection for each exchange, in a warm process, on
the Agg canvas, to PNG in memory. Reads the map as JSON from standard input (what
`go test ./charts -run TestWritePlainMap -plain FILE` writes) and prints the median
in milliseconds as JSON. compare.sh runs both.
"""

import io
import json
import os
import statistics
import sys
import time

# This file has the package's name, so its folder must not be searched.
sys.path = [p for p in sys.path if os.path.abspath(p) != os.path.dirname(os.path.abspath(__file__))]

# Some machines force the core type of the BLAS library, which only slows it down.
# It is read when numpy is loaded.
os.environ.pop("OPENBLAS_CORETYPE", None)

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.collections import PolyCollection  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

BACKGROUND, TEXT, GRID = "#0d1117", "#a3b0c2", "#232b38"
LONG = ["#9c5f12", "#b06e19", "#c47d1f", "#d78d26", "#eb9c2c", "#ffab33"]
SHORT = ["#2767a6", "#3678b8", "#4689ca", "#559adb", "#65abed", "#74bcff"]
WARM_UP, RUNS = 2, 11


def bars(axes, side, shades):
    """Stacks the exchanges of a side bucket by bucket."""
    base = [0.0] * len(side["prices"])
    for shade, amounts in zip(shades, side["amounts"]):
        corners = []
        for i, (price, amount) in enumerate(zip(side["prices"], amounts)):
            low, high = price, price + side["step"] * 0.75
            corners.append([(low, base[i]), (high, base[i]), (high, base[i] + amount), (low, base[i] + amount)])
            base[i] += amount
        axes.add_collection(PolyCollection(corners, facecolors=shade, edgecolors="none"))


def draw(data):
    """Returns the picture as PNG bytes."""
    figure = Figure(figsize=(12.8, 7.2), dpi=100, facecolor=BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes([0.09, 0.18, 0.82, 0.48], facecolor=BACKGROUND)
    bars(axes, data["long"], LONG)
    bars(axes, data["short"], SHORT)
    axes.set_xlim(data["low"], data["high"])
    axes.set_ylim(0, data["tallest"] * 1.1)
    axes.grid(axis="y", color=GRID)
    axes.tick_params(colors=TEXT, labelsize=16)
    second = axes.twinx()
    for side, color in (("long", "#ffd591"), ("short", "#b5dcff")):
        curve = data[side]["curve"]
        x, y = [p[0] for p in curve], [p[1] for p in curve]
        second.plot(x, y, color=color, linewidth=2.9)
        second.fill_between(x, y, color=color, alpha=0.13, linewidth=0)
        level = data[side]["key"]
        second.axvline(level, color=color, linestyle="--")
        second.text(level, data["total"] * 1.15, data[side]["label"], color=BACKGROUND, fontsize=18,
                    ha="center", bbox={"facecolor": color, "boxstyle": "round"})
    second.axvline(data["mark"], color="white", linewidth=2)
    second.set_ylim(0, data["total"] * 1.1)
    second.tick_params(colors=TEXT, labelsize=16)
    for i, text in enumerate(data["texts"]):
        figure.text(0.03 + 0.5 * (i % 2), 0.93 - 0.07 * (i // 2), text, color="white", fontsize=22)
    for i, name in enumerate(data["legend"]):
        figure.text(0.04 + 0.1 * i, 0.07, name, color=TEXT, fontsize=15)
    out = io.BytesIO()
    canvas.print_png(out)
    return out.getvalue()


def main():
    data = json.load(sys.stdin)
    took = []
    for _ in range(WARM_UP + RUNS):
        start = time.perf_counter()
        png = draw(data)
        took.append((time.perf_counter() - start) * 1000)
    json.dump({"median_ms": round(statistics.median(took[WARM_UP:]), 2), "png_bytes": len(png)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
