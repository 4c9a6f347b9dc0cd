"""Shells of developers: variables that have broken a command, and others that could."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GONE = "/nowhere"
PROXY = "http://127.0.0.1:9"  # the port `discard`, on which nothing listens
READ_ONLY = "/proc"  # not even root can write here


@dataclass(frozen=True)
class Shell:
    """A shell with these variables (None: unset), in which `before` runs a command."""

    name: str
    variables: Mapping[str, str | None] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        changed = {**inherited, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


def proxies() -> Iterator[Shell]:
    yield Shell("http_proxy", {"http_proxy": PROXY})
    yield Shell("HTTP_PROXY", {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY})
    yield Shell("all_proxy", {"all_proxy": PROXY, "http_proxy": PROXY})
    yield Shell("NO_PROXY of others", {"http_proxy": PROXY, "NO_PROXY": "example.com"})
    yield Shell("no_proxy beside NO_PROXY", {"http_proxy": PROXY, "no_proxy": "", "NO_PROXY": "a"})
    yield Shell("NO_PROXY for everything", {"http_proxy": PROXY, "NO_PROXY": "*"})


def aws(folder: Path) -> Iterator[Shell]:
    broken = folder / "aws-config"
    broken.write_text("[default\nregion = \x00")
    fips = folder / "aws-fips"
    fips.write_text("[default]\nuse_fips_endpoint = true\nendpoint_url = http://127.0.0.1:9\n")
    yield Shell("AWS_PROFILE that is gone", {"AWS_PROFILE": "gone"})
    yield Shell("AWS_DEFAULT_PROFILE that is gone", {"AWS_DEFAULT_PROFILE": "gone"})
    yield Shell("AWS_ENDPOINT_URL elsewhere", {"AWS_ENDPOINT_URL": PROXY})
    yield Shell(
        "keys of an account",
        {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "o", "AWS_SESSION_TOKEN": "o"},
    )
    yield Shell("AWS_CONFIG_FILE that is broken", {"AWS_CONFIG_FILE": str(broken)})
    yield Shell("AWS_CONFIG_FILE with FIPS", {"AWS_CONFIG_FILE": str(fips)})
    yield Shell("AWS_USE_FIPS_ENDPOINT", {"AWS_USE_FIPS_ENDPOINT": "true"})
    yield Shell("AWS_MAX_ATTEMPTS", {"AWS_MAX_ATTEMPTS": "many"})
    yield Shell("AWS_RETRY_MODE", {"AWS_RETRY_MODE": "unknown"})
    yield Shell("AWS_CA_BUNDLE that is gone", {"AWS_CA_BUNDLE": GONE})
    yield Shell("AWS_REGION of no place", {"AWS_REGION": "mars-north-1"})


def terraform(folder: Path) -> Iterator[Shell]:
    long = folder / ("long" * 20)
    long.mkdir(exist_ok=True)
    yield Shell("TF_WORKSPACE", {"TF_WORKSPACE": "other"})
    yield Shell("TF_DATA_DIR", {"TF_DATA_DIR": str(folder / "data")})
    yield Shell("TF_CLI_ARGS", {"TF_CLI_ARGS": "-no-such-option"})
    yield Shell("TF_CLI_ARGS_apply", {"TF_CLI_ARGS_apply": "-target=aws_sqs_queue.greetings"})
    yield Shell("TF_LOG", {"TF_LOG": "TRACE"})
    yield Shell("TF_LOG as JSON", {"TF_LOG": "JSON"})
    yield Shell("TF_INPUT", {"TF_INPUT": "1"})
    yield Shell("TF_REATTACH_PROVIDERS", {"TF_REATTACH_PROVIDERS": "{"})
    yield Shell("TF_CLI_CONFIG_FILE that is gone", {"TF_CLI_CONFIG_FILE": GONE})
    yield Shell("TF_PLUGIN_MIRROR that is gone", {"TF_PLUGIN_MIRROR": GONE})
    yield Shell("TMPDIR that is gone", {"TMPDIR": GONE})
    yield Shell("TMPDIR that is long", {"TMPDIR": str(long)})


def interpreters(folder: Path) -> Iterator[Shell]:
    """Yield shells whose variables reach Python, Bash, make or the C library."""
    shadows = folder / "shadows"
    shadows.mkdir(exist_ok=True)
    for name in ("json", "yaml", "boto3", "local_aws", "tools", "sitecustomize"):
        (shadows / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    fails = folder / "fails.sh"
    fails.write_text("exit 7\n")
    yield Shell("PYTHONPATH that shadows", {"PYTHONPATH": str(shadows)})
    yield Shell("PYTHONHOME that is gone", {"PYTHONHOME": GONE})
    yield Shell("PYTHONSAFEPATH", {"PYTHONSAFEPATH": "1"})
    yield Shell("PYTHONIOENCODING", {"PYTHONIOENCODING": "ascii:strict"})
    yield Shell("PYTHONUTF8 off", {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"})
    yield Shell("PYTHONOPTIMIZE", {"PYTHONOPTIMIZE": "2"})
    yield Shell("PYTHONWARNINGS", {"PYTHONWARNINGS": "error"})
    yield Shell("PYTHONSTARTUP and PYTHONINSPECT", {"PYTHONSTARTUP": GONE, "PYTHONINSPECT": "1"})
    yield Shell("PYTHONPYCACHEPREFIX", {"PYTHONPYCACHEPREFIX": READ_ONLY})
    yield Shell("LANG=C", {"LANG": "C", "LC_ALL": "C"})
    yield Shell("Latin-1", {"LC_ALL": "en_US.ISO-8859-1"})
    yield Shell("a locale that is gone", {"LC_ALL": "xx_XX.UTF-8"})
    yield Shell("BASH_ENV that fails", {"BASH_ENV": str(fails)})
    yield Shell("SHELLOPTS", {"SHELLOPTS": "noexec"})
    yield Shell("CDPATH", {"CDPATH": "/"})
    yield Shell("TERM and COLUMNS", {"TERM": "dumb", "COLUMNS": "1"})
    yield Shell("MAKEFLAGS", {"MAKEFLAGS": "-j4"})
    yield Shell("VIRTUAL_ENV", {"VIRTUAL_ENV": GONE, "CONDA_PREFIX": GONE})


def users() -> Iterator[Shell]:
    """Yield shells of unusual users: their home, their limits, their terminal."""
    yield Shell("HOME that is read-only", {"HOME": READ_ONLY})
    yield Shell("HOME that is gone", {"HOME": GONE})
    yield Shell("no HOME", {"HOME": None})
    yield Shell("XDG_CACHE_HOME that is read-only", {"XDG_CACHE_HOME": READ_ONLY})
    yield Shell("umask 077", before=("sh", "-c", 'umask 077; exec "$@"', "sh"))
    yield Shell("256 open files", before=("sh", "-c", 'ulimit -n 256; exec "$@"', "sh"))
    yield Shell("no standard input", before=("sh", "-c", 'exec "$@" <&-', "sh"))


def merged(shells: Iterable[Shell]) -> list[Shell]:
    """Return few shells that together have all variables, for a quick test."""
    found: list[Shell] = []
    for shell in shells:
        fits = (each for each in found if not each.variables.keys() & shell.variables.keys())
        if shell.before or (other := next(fits, None)) is None:
            found.append(shell)
        else:
            found.remove(other)
            both = {**other.variables, **shell.variables}
            found.append(Shell(f"{other.name}, {shell.name}", both))
    return found


def bare() -> Shell:
    """Return the shell of `env -i` with a PATH."""
    search = f"PATH={Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return Shell("env -i", before=("env", "-i", search))


def all_of(folder: Path) -> list[Shell]:
    return [
        *proxies(),
        *aws(folder),
        *terraform(folder),
        *interpreters(folder),
        *users(),
        bare(),
    ]


def make(checkout: Path, shell: Shell, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a checkout, with the additional targets of hello.mk."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))
    }
    files = ("-f", "Makefile", "-f", "tests/laptop/shells/hello.mk")
    done = subprocess.run(
        [*shell.before, "make", "-s", *files, *arguments],
        cwd=checkout,
        env=shell.environment(inherited),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in done.stderr, (shell.name, done.stderr)
    return done
