"""Asks a real server everything its description allows, and much that it does not, as each role.

A server is started on a port and in a folder of its own, with an account per role. For each of them, and for nobody,
schemathesis makes requests of the description: by its examples, at the borders of every value, and at random. An answer of
500 or above that is not described, a status that is not described, or a content type that is not described is an error.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import requests

ROLES = ["owner", "admin", "operator", "viewer", "auditor"]
NOBODY = "nobody"
PASSWORD = "vigorous-otter-paints-teal"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
PACK = pathlib.Path(__file__).resolve().parents[2] / "models" / "packs" / "ostiary-default"
# A WebSocket is no request and answer.
NOT_ASKED = r"^/api/v1/events/live$"
# What ends the session it is asked with: asked last.
ENDS_SESSIONS = r"^/api/v1/(auth|me)(/|$)"

CONFIG = """
[server]
data_dir = "{dir}"
listen = "127.0.0.1:0"
[models]
pack_dir = "{pack}"
[broker]
listen = "127.0.0.1:0"
[identity]
access_token_minutes = 60
[limits]
requests_per_second = 100000
logins_per_minute = 100000
claims_per_minute = 100000
renewals_per_minute = 100000
photos_per_minute = 100000
account_requests_per_second = 100000
key_requests_per_second = 100000
device_renewals_per_minute = 100000
recognize_per_minute = 100000
exports_per_hour = 100000
[log]
level = "error"
"""


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("server", type=pathlib.Path, help="the ostiary-server program")
    arguments.add_argument("--examples", type=int, default=20, help="requests at random per operation")
    arguments.add_argument("--roles", nargs="*", default=[*ROLES, NOBODY])
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="ostiary-api-") as folder:
        return check(asked, pathlib.Path(folder))


def check(asked: argparse.Namespace, folder: pathlib.Path) -> int:
    config = folder / "server.toml"
    data = folder / "data"
    config.write_text(CONFIG.format(dir=data, pack=PACK))
    program = [str(asked.server), "--config", str(config)]
    for role in ROLES:
        create = [*program, "admin", "create", "--login", role, "--role", role, "--password-stdin"]
        subprocess.run(create, input=PASSWORD, text=True, check=True, capture_output=True)
    description = folder / "openapi.json"
    description.write_bytes(subprocess.run([*program, "openapi"], check=True, capture_output=True).stdout)
    server = subprocess.Popen([*program, "serve"])
    try:
        base, ca = wait(data, server)
        fill(base, ca)
        failed = []
        # Owners and admins last: they are asked to shut others out, and do.
        for role in sorted(asked.roles, key=[NOBODY, *reversed(ROLES)].index):
            for only in (None, ENDS_SESSIONS):
                if not ask(asked, description, (base, ca), role, only):
                    failed.append(f"{role}{' (sessions)' if only else ''}")
        return report(failed, server)
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait(data: pathlib.Path, server: subprocess.Popen) -> tuple[str, str]:
    """Where the server listens, and its CA."""
    endpoints = data / "run" / "endpoints.json"
    for _ in range(600):
        if endpoints.exists():
            return f"https://{json.loads(endpoints.read_text())['https']}", str(data / "tls" / "ca.pem")
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        time.sleep(0.1)
    sys.exit("the server was not up within a minute")


def token(base: str, ca: str, role: str) -> str:
    answer = requests.post(f"{base}/api/v1/auth/login", json={"login": role, "password": PASSWORD}, verify=ca, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]


def fill(base: str, ca: str) -> None:
    """Something to be asked about."""
    headers = {"Authorization": f"Bearer {token(base, ca, 'admin')}"}

    def add(path: str, body: dict) -> str:
        answer = requests.post(f"{base}/api/v1/{path}", json=body, headers=headers, verify=ca, timeout=30)
        answer.raise_for_status()
        return answer.json().get("id", "")

    site = add("sites", {"name": "Head office"})
    door = add("doors", {"name": "Main entrance", "site": site})
    add("devices", {"name": "cam-1", "door": door})
    group = add("groups", {"name": "Staff"})
    add("persons", {"name": "Ada Lovelace", "consent": True, "groups": [group]})


def ask(asked: argparse.Namespace, description: pathlib.Path, at: tuple[str, str], role: str, only: str | None) -> bool:
    base, ca = at
    print(f"== {role}{': what ends sessions' if only else ''}", flush=True)
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"), "run", str(description),
        "--url", base, "--tls-verify", ca, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(asked.examples), "--seed", "1", "--continue-on-failure", "--warnings", "off",
        "--exclude-path-regex", NOT_ASKED, "--suppress-health-check", "all", "--request-retries", "3",
    ]  # fmt: skip
    command += ["--include-path-regex", only] if only else ["--exclude-path-regex", ENDS_SESSIONS]
    if role != NOBODY:
        command += ["--header", f"Authorization: Bearer {token(base, ca, role)}"]
    here = str(pathlib.Path(__file__).resolve().parent)
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "videos", "PYTHONPATH": here}
    return subprocess.run(command, cwd=description.parent, env=environment).returncode == 0


def report(failed: list[str], server: subprocess.Popen) -> int:
    if server.poll() is not None:
        failed.append(f"the server ended with {server.returncode}")
    print("every answer is described" if not failed else f"not as described: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
