"""What every endpoint of the API shares: the entrance, the words of an error, pages, and the schema.

An app's own endpoints stand in its `api` room and use `endpoint` from `core.api.endpoints`.
"""
