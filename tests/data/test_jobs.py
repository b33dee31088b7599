"""Real background processes on tiny data."""

import os
import signal
import time

import pytest

from vit import jobs, paths, processes
from vit.data import catalog
from vit.data import jobs as data_jobs
from vit.errors import DataError, JobError


def wait_for(condition, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return result


def ended(name: str):
    return wait_for(lambda: (job := jobs.status(name)) and job.state != "running" and job)


def test_an_import_runs_in_the_background_and_says_how_it_ended(folder, class_files):
    assert jobs.status("pets") is None
    data_jobs.start("import", "pets", str(folder({**class_files, "cat/bad.png": b"no"})))
    assert [job.name for job in jobs.active("import")] == ["pets"]
    job = ended("pets")
    assert (job.state, job.done, job.total, job.unit) == ("finished", 7, 7, "images")
    assert job.message == "6 images, 1 could not be read"
    assert catalog.describe("pets").counts == {"train": 6}
    assert jobs.active("import") == []


def test_a_failure_is_told_in_the_words_of_the_error(folder):
    data_jobs.start("import", "pets", str(folder({"cat/a.png": b"x"})))
    job = ended("pets")
    assert job.state == "failed"
    assert "only the class 'cat'" in job.error


def test_impossible_names_are_refused_before_anything_starts():
    for name in ("shapes", "../x", "Pets"):
        with pytest.raises(DataError):
            data_jobs.start("import", name, "/nowhere")
    assert jobs.active("import") == []


@pytest.fixture
def long_job(folder, image):
    """A job that takes about twenty seconds, if nobody ends it."""
    files = {f"{name}/{i}.png": image(i, 400, 400) for i in range(2) for name in ("cat", "dog")}
    path = folder(files)
    for i in range(2500):
        for name in ("cat", "dog"):
            (path / name / f"link{i}.png").symlink_to(path / name / "0.png")
    data_jobs.start("import", "pets", str(path))
    yield wait_for(lambda: (job := jobs.status("pets")) and job.done and job)
    jobs.cancel("pets")
    ended("pets")


def test_a_running_job_can_not_be_started_twice(long_job):
    with pytest.raises(JobError, match="pets is being worked on already"):
        data_jobs.start("import", "pets", "/elsewhere")
    worker_status = jobs.status("pets")
    assert worker_status.state == "running"
    assert worker_status.pid == long_job.pid


def test_a_cancelled_job_cleans_up(long_job):
    jobs.cancel("pets")
    assert ended("pets").state == "cancelled"
    assert not list(paths.data_root().glob(".*.part"))
    assert [info.name for info in catalog.list_datasets()] == ["shapes"]


def test_a_killed_job_is_interrupted_and_can_be_started_again(long_job, folder, class_files):
    os.kill(long_job.pid, signal.SIGKILL)
    assert ended("pets").state == "interrupted"
    data_jobs.start("import", "pets", str(folder(class_files, "small")))
    assert ended("pets").state == "finished"


def test_a_job_that_ends_while_its_record_is_read_is_not_interrupted(monkeypatch):
    lock, read = processes.hold(jobs.lock_path("pets")), jobs._read
    running = jobs.Job("pets", "import", "running", pid=os.getpid())
    jobs.write(running)

    def read_and_end(name):
        monkeypatch.setattr(jobs, "_read", read)
        before = read(name)
        jobs.Reporter(running).close("finished", "6 images")
        lock.release()
        return before

    monkeypatch.setattr(jobs, "_read", read_and_end)
    assert jobs.status("pets").state == "finished"


def test_progress_is_written_a_few_times_a_second_with_a_rate(monkeypatch):
    written = []
    monkeypatch.setattr(jobs, "write", written.append)
    report = jobs.Reporter(jobs.Job("pets", "import", "running")).progress("B")
    end = time.monotonic() + 1.0
    done = 0
    while time.monotonic() < end:
        done += 1000
        report(done, 10**9, "downloading")
        time.sleep(0.01)
    assert 2 <= len(written) <= 6
    assert 5000 < written[-1].rate < 100_000
    assert written[-1].unit == "B"


def test_each_part_of_a_job_has_a_rate_of_its_own(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(jobs.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(jobs, "write", lambda job: None)
    reporter = jobs.Reporter(jobs.Job("cat", "evaluate", "running"))
    report, rates = reporter.progress("images"), []
    for done, total in ((500, 1000), (1000, 1000), (100, 300), (200, 300)):
        report(done, total, "predicting")
        rates.append(reporter.job.rate)
    assert rates[2] == 0
    assert all(rate > 0 for rate in (rates[1], rates[3]))
