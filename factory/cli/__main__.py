"""`python -m factory.cli`, where the console script is not on the path."""

import sys

from factory.cli import main

sys.exit(main())
