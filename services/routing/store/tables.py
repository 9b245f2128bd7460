"""Where the tables of routing are known; the province's is the first of them."""

from sqlalchemy import MetaData

from shared import province

metadata = MetaData()
provinces = province.table(metadata)
