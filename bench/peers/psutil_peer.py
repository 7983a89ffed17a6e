"""Answers each line of standard input with the milliseconds that psutil takes, and what it found.

processes      -> milliseconds, their pids joined by commas
port NUMBER    -> milliseconds, pid that listens there
"""

import sys
import time

import psutil

ATTRIBUTES = [
    "pid", "ppid", "name", "status", "uids", "cpu_times", "create_time", "memory_info", "num_threads", "cmdline",
]


def list_processes():
    return [process.pid for process in psutil.process_iter(ATTRIBUTES)]


def find_holder(port):
    for connection in psutil.net_connections("inet"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            psutil.Process(connection.pid).as_dict(["name", "cmdline", "ppid", "username", "create_time"])
            return connection.pid
    return 0


print(psutil.__version__, flush=True)
for line in sys.stdin:
    question, *argument = line.split()
    started = time.perf_counter()
    answer = list_processes() if question == "processes" else find_holder(int(argument[0]))
    milliseconds = (time.perf_counter() - started) * 1000
    print(milliseconds, answer if question == "port" else ",".join(map(str, answer)), flush=True)
