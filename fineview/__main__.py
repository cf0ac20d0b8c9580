"""`python -m fineview`."""

import sys

from fineview.cli import main

sys.exit(main())
