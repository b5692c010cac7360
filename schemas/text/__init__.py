"""YAML 1.2 text → plain data with positions, and edits of the text. The way in: `read_document`."""

from schemas.text.document import Document, document_from_text, read_document

__all__ = ["Document", "document_from_text", "read_document"]
