"""The embedded mode, as `make run` starts it."""

from email import message_from_bytes, policy

from tests.system.running import HOIAM, running
from tests.wait import until


class TestDemonstration:
    def test_walks_a_report_to_its_answer_and_keeps_the_data_for_the_next_time(self, open_folder):
        folder = open_folder / "embedded"

        with running(folder, "--demo", "--once") as system:
            assert system.process.wait(60) == 0
        first = "".join(system.lines)
        with running(folder) as system:
            code = first.split("The journey of ")[1].split(":")[0]
            kept = system.status(code)

        for step in ("received", "routed", "accepted by the agency", "result submitted", "approved", "reporter notified"):
            assert step in first.split("The journey of")[1]
        assert "in the queue agency.dh" in first
        assert kept["status"] == "resolved"

    def test_the_reporter_finds_the_answer_in_the_mailbox(self, open_folder):
        folder = open_folder / "mailed"

        with running(folder, "--demo", "--once") as system:
            system.process.wait(60)

        letters = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("mailbox/**/*.eml"))]
        texts = [letter.get_body(("plain",)).get_content() for letter in letters if "lan@example.vn" in letter["To"]]
        assert {letter["To"].partition("@")[2] for letter in letters} <= {"example.vn", "quangtri.example"}, "the reporter and offices"
        assert any("Đã thay ba bóng đèn" in text for text in texts)


class TestSeenFromOutside:
    def test_a_stopped_system_leaves_no_process_behind(self, open_folder):
        with running(open_folder / "left") as system:
            pass

        assert [name for name in ("intake", "routing", "sla", "notify") if system.pid_of(name)] == []

    def test_a_message_nobody_can_handle_is_seen_by_hoiam_parked(self, open_folder):
        with running(open_folder / "parked") as system:
            key = system.hoiam("portal", "add", "app", "Ứng dụng")
            report = system.post_report(key).json()
            until(lambda: system.cases(state="routed"), what="the case routed")

            refused = system.ask("agency:sxd", report["report_id"], "accept", {})

            assert (refused.status_code, refused.json()["code"]) == (403, "not_your_case")
            assert system.hoiam("parked", "list") == "Nothing is parked."

    def test_an_order_number_of_ports_that_is_taken_is_named(self, open_folder):
        import subprocess

        with running(open_folder / "first") as system:
            again = subprocess.run(
                [*HOIAM, "up", "--folder", str(open_folder / "second"), "--port-base", str(system.layout.port_base)],
                capture_output=True, text=True, timeout=60, check=False, cwd=system.layout.folder.parent,
                env={**system.environment},
            )  # fmt: skip

        assert again.returncode == 1
        assert str(system.layout.port_base) in again.stderr
