"""Upload of the zips in `build/functions` to the bucket from which the account's functions come.

  .venv/bin/python upload_code.py

The provider uploads files one by one and waits five seconds for each. So the proof's environment
sets `runtime.code_bucket`, as the laptop's does.
"""

import os
from pathlib import Path

import boto3

BUCKET = "example-code"
REGION = "us-east-1"  # in this region, creating the bucket again is no error


def main() -> None:
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=os.environ["LAPTOPS_AWS"])
    s3.create_bucket(Bucket=BUCKET)
    for file in sorted(Path("build/functions").glob("*.zip")):
        s3.put_object(Bucket=BUCKET, Key=f"functions/{file.name}", Body=file.read_bytes())


if __name__ == "__main__":
    main()
