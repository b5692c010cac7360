"""What the language says of a file: codes, diagnostics, and the words that findings share.

The lowest package: it imports no other. `Code` names a kind of finding, `Diagnostic` is one in a file, `Problem` is one
at a path of data, before it has a place in a file.
"""

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Fix, Problem, Related, Span, has_errors

__all__ = ["Code", "Diagnostic", "Fix", "Problem", "Related", "Severity", "Span", "has_errors"]
