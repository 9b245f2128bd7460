"""The two yardsticks of intake, as a process of their own: ``python -m services.cli.bench.plain PORT DATABASE_URL``.

``/plain`` is what anybody would write first: the same body, checked the same way, one row and one commit a request. ``/echo`` checks
the body and stores nothing.
"""

import sys
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.cli.process import LOOPBACK
from services.intake.api.bodies import ReportBody
from shared.database import psycopg_url
from shared.envelope import new_id

THREADS = 40  # of FastAPI's own pool


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, object]: JSONB}  # noqa: RUF012 - SQLAlchemy's own way


class PlainReport(Base):
    __tablename__ = "plain_reports"
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str]
    description: Mapped[str]
    location: Mapped[dict[str, object]]


class Receipt(BaseModel):
    report_id: UUID


def application(url: str) -> FastAPI:
    """Both of them."""
    engine = create_engine(psycopg_url(url), pool_size=THREADS)
    Base.metadata.create_all(engine)
    app = FastAPI()

    @app.post("/plain", status_code=201)
    def plain(body: ReportBody) -> Receipt:
        report = PlainReport(
            report_id=new_id(), category=body.category, description=body.description, location=body.location.model_dump(mode="json")
        )
        with Session(engine, expire_on_commit=False) as session:
            session.add(report)
            session.commit()
        return Receipt(report_id=report.report_id)

    @app.post("/echo", status_code=201)
    async def echo(body: ReportBody) -> Receipt:
        assert body.category
        return Receipt(report_id=new_id())

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), host=LOOPBACK, port=int(sys.argv[1]), log_config=None, access_log=False)
