"""Requests a second and their times, of examples/serving under uvicorn with one worker.

    python benchmarks/serving.py run/model --texts reviews.txt --seconds 5

The server runs in a process of its own; the clients share this one and keep their connections. ``--texts`` has a text a
line; without it, texts of five words are sent. The last column is the server's time of the processor for a request,
which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from itertools import cycle, islice
from pathlib import Path

import numpy as np

APP = Path(__file__).parents[1] / "examples" / "serving"
PATIENCE = 60.0
"""Seconds for the server to start."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server does not start")


def processor_seconds(process: int) -> float:
    """Return the seconds of the processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def requests_of(texts: list[str], per_request: int) -> list[bytes]:
    """Return the bytes of requests with so many texts each."""
    made = []
    for start in range(0, len(texts), per_request):
        some = list(islice(cycle(texts), start, start + per_request))
        body = json.dumps({"texts": some}).encode()
        head = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
        made.append(f"{head}{len(body)}\r\n\r\n".encode() + body)
    return made


async def client(port: int, requests: list[bytes], first: int, until: float) -> list[float]:
    """Send one request after the other until a time; return the seconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seconds = []
    for request in cycle(requests[first:] + requests[:first]):
        start = time.perf_counter()
        if start > until:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the server answers {head[:60]!r}")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(size.split(b":")[1]))
        seconds.append(time.perf_counter() - start)
    writer.close()
    return seconds


async def load(port: int, requests: list[bytes], clients: int, seconds: float) -> list[float]:
    """Return the seconds of all requests of several clients."""
    until = time.perf_counter() + seconds
    starts = (number * len(requests) // clients for number in range(clients))
    found = await asyncio.gather(*(client(port, requests, start, until) for start in starts))
    return [each for one in found for each in one]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--per-request", type=int, nargs="+", default=[1, 32])
    options = parser.parse_args()
    texts = ["a warm and witty film", "dull from the first minute"] * 500
    if options.texts is not None:
        texts = options.texts.read_text(encoding="utf-8").splitlines()[:2_000]
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "MODEL": str(options.model.resolve()), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=APP, env=environment) as server:
        try:
            wait_for(port, server)
            words = np.mean([len(text.split()) for text in texts])
            print(f"{len(texts):,} texts of {words:.0f} words on average; load average {os.getloadavg()[0]:.1f}")
            print("texts a request  clients  requests/s   texts/s   p50 ms   p99 ms  processor ms")
            for per_request in options.per_request:
                requests = requests_of(texts, per_request)
                asyncio.run(load(port, requests, 1, 1.0))
                for clients in options.clients:
                    start, busy = time.perf_counter(), processor_seconds(server.pid)
                    found = asyncio.run(load(port, requests, clients, options.seconds))
                    rate = len(found) / (time.perf_counter() - start)
                    cost = 1e3 * (processor_seconds(server.pid) - busy) / len(found)
                    middle, late = 1e3 * np.percentile(found, [50, 99])
                    figures = f"{rate:10,.0f}  {rate * per_request:8,.0f}  {middle:7.2f}  {late:7.2f}  {cost:12.2f}"
                    print(f"{per_request:15d}  {clients:7d}  {figures}")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
