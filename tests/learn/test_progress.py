"""What a reader has answered is kept, and each reader has answers of their own."""

from vit import paths
from vit.learn import progress


def test_answers_are_there_again_until_the_next_reader_begins(home):
    progress.answer("patches", 2)
    progress.answer("position", 0)
    progress.answer("patches", 1)
    assert progress.read().answers == {"patches": 1, "position": 0}
    progress.reset()
    assert progress.read().answers == {}


def test_visitors_do_not_share_answers(home):
    progress.answer("patches", 2, "visitor:one")
    assert progress.read("visitor:two").answers == {}


def test_a_damaged_file_is_a_fresh_start(home):
    progress.answer("patches", 2)
    (file,) = paths.lessons_root().iterdir()
    for content in (b"{", b"[]", b'{"answers": {"patches": "many"}}'):
        file.write_bytes(content)
        assert progress.read().answers == {}


def test_code_answers_and_what_is_solved_are_kept_side_by_side(home):
    progress.answer("patches", 2)
    progress.write_code("attention", "x = 1")
    progress.solve("attention")
    progress.write_code("block", "y = 2")
    progress.answer("position", 0)
    found = progress.read()
    assert found.code == {"attention": "x = 1", "block": "y = 2"}
    assert found.solved == ["attention"]
    assert found.answers == {"patches": 2, "position": 0}
