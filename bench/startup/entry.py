"""First file of a measured worker: what AWS's own does, and nothing of the laptop's.

`packages/local-aws/src/local_aws/lambda_service/bootstrap.py` also loads ctypes, to end with its supervisor: 7 % of a bare start, which would make
everything look better in multiples of it. Arguments: the folders of `sys.path`.
"""

import os
import sys

if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    sys.argv[1:] = [os.environ["_HANDLER"]]
    from awslambdaric.__main__ import main

    main(sys.argv)
