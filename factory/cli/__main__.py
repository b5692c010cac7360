"""`python -m factory.cli`, where the console script is not on the path."""

import sys

from pipeline_factory import main

sys.exit(main())
