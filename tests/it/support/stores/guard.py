"""Runs a server for as long as stdin is open, then kills it and removes its folder: guard.py FOLDER COMMAND...

The test process holds the other end of stdin, so the server dies with it however it ends. The output of the server goes to
FOLDER/log. If the server ends by itself, the guard ends too and leaves the folder.
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

folder, command = sys.argv[1], sys.argv[2:]
# An interrupt from the terminal reaches the test process, which closes stdin.
signal.signal(signal.SIGINT, signal.SIG_IGN)
with open(os.path.join(folder, "log"), "wb") as log:
    server = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
is_closed = threading.Event()


def kill_when_closed():
    sys.stdin.buffer.read()
    is_closed.set()
    os.killpg(server.pid, signal.SIGKILL)


threading.Thread(target=kill_when_closed, daemon=True).start()
status = server.wait()
if is_closed.is_set():
    shutil.rmtree(folder, ignore_errors=True)
# SeaweedFS keeps sockets outside its folder, named after its ports.
for port in re.findall(r"port[a-z.]*=(\d+)", " ".join(command)):
    for socket in glob.glob(f"/tmp/seaweedfs-*-{port}.sock"):
        os.unlink(socket)
sys.exit(status)
