"""The first file of a measured worker.

It does the same as AWS's own.

The laptop's file (local_aws/lambda_service/bootstrap.py) also loads ctypes, which costs 7 % of a
bare start and would make all ratios look better. Arguments: the folders of `sys.path`.
"""

import os
import sys

if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    sys.argv[1:] = [os.environ["_HANDLER"]]
    from awslambdaric.__main__ import main

    main(sys.argv)
