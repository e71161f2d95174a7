import csv

from vesalius.train.logs import Logs
from vesalius.train.watch import Score


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_losses_and_scores_are_written_row_by_row(tmp_path):
    logs = Logs(tmp_path, 0)
    logs.loss(1, 0.5, 0.001, 2.0)
    logs.score(1, Score("dice", 0.75, {"a": 0.5, "b": 1.0}))
    logs.close()

    assert rows(tmp_path / "log.csv") == [["step", "loss", "learning_rate", "seconds"], ["1", "0.5", "0.001", "2.00"]]
    assert rows(tmp_path / "validation.csv") == [["step", "dice", "a", "b"], ["1", "0.75", "0.5", "1"]]
    assert list(tmp_path.glob("events.out.tfevents.*"))


def test_rows_of_lost_work_and_half_a_row_are_taken_out(tmp_path):
    logs = Logs(tmp_path, 0)
    for step in range(1, 6):
        logs.loss(step, 1.0, 0.1, 0.0)
    logs.close()
    with (tmp_path / "log.csv").open("a") as file:
        file.write("6,0.")

    again = Logs(tmp_path, 3)
    again.loss(4, 2.0, 0.1, 0.0)
    again.close()

    assert [row[:2] for row in rows(tmp_path / "log.csv")[1:]] == [["1", "1"], ["2", "1"], ["3", "1"], ["4", "2"]]


def test_a_log_that_ended_before_its_heading_begins_anew(tmp_path):
    (tmp_path / "log.csv").touch()
    logs = Logs(tmp_path, 0)
    logs.loss(1, 0.5, 0.001, 2.0)
    logs.close()

    assert [row[0] for row in rows(tmp_path / "log.csv")] == ["step", "1"]
