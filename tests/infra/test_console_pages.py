"""The function at CloudFront's edge in examples/console-aws, run by Node.js."""

import json
import re
import subprocess
from pathlib import Path

MAIN = Path(__file__).resolve().parents[2] / "examples/console-aws/main.tf"


def test_a_path_without_a_file_extension_returns_the_application() -> None:
    code = re.search(r"<<-JAVASCRIPT\n(.*?)\n *JAVASCRIPT", MAIN.read_text(), re.DOTALL)
    assert code
    paths = ["/", "/users/7", "/a.b/c", "/console.js", "/nowhere.css"]
    call = f"{json.dumps(paths)}.map((uri) => handler({{ request: {{ uri }} }}).uri)"
    script = f"{code[1]}\nconsole.log(JSON.stringify({call}))"
    ran = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    index = "/index.html"
    assert json.loads(ran.stdout) == [index, index, index, "/console.js", "/nowhere.css"]
