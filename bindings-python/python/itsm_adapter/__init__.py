"""The Citrix ITSM Adapter as a library: connects Citrix Cloud accounts with ServiceNow instances and turns alerts
into incidents. Begin with Client, or AsyncClient for asyncio."""

from ._native import *
from .errors import *
