"""What the store must know of a statement before the engine sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.store.server.options import BadOption, difference, identifier, quoted, readonly_of, wanted
from ingestion.store.server.packets import Option
from ingestion.store.server.statements import Insert, insert_of, native_format, surely, without_end


@pytest.mark.parametrize(
    ("sql", "head", "target", "columns"),
    [
        ("INSERT INTO t VALUES", "INSERT INTO t ", "t", ()),
        ('insert into db.t (a, `b c`, "d") values ;', 'insert into db.t (a, `b c`, "d") ', "db.t", ("a", "b c", "d")),
        (
            "/* x */ INSERT -- y\n INTO TABLE `my.t` FORMAT Native",
            "/* x */ INSERT -- y\n INTO TABLE `my.t` ",
            "`my.t`",
            (),
        ),
        (
            "INSERT INTO t (n.a) SETTINGS x = 'VALUES' VALUES",
            "INSERT INTO t (n.a) SETTINGS x = 'VALUES' ",
            "t",
            ("n.a",),
        ),
        ("INSERT INTO values VALUES", "INSERT INTO values ", "values", ()),
        ("INSERT INTO FUNCTION file('f', Native) (a) FORMAT TSV\n", None, "file('f', Native)", ("a",)),
        ("INSERT INTO t (* EXCEPT a) VALUES", None, "t", ()),
    ],
)
def test_an_insert_that_waits_for_rows(sql: str, head: str | None, target: str, columns: tuple[str, ...]) -> None:
    found = insert_of(sql)
    assert isinstance(found, Insert)
    assert (found.target, found.columns) == (target, columns)
    if head is not None:
        assert found.head == head


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'INSERT INTO t VALUES'",
        "INSERT INTO t SELECT 1",
        "INSERT INTO t (a) WITH 1 AS x SELECT x",
        "INSERT INTO t VALUES (1, 'x')",
        'INSERT INTO t FORMAT JSONEachRow {"a": 1}',
        "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        "",
        "INSERT",
        "INSERT INTO",
    ],
)
def test_a_statement_that_does_not(sql: str) -> None:
    assert insert_of(sql) is None


@given(st.text(alphabet="INSERTO tVALUEFM()'`\"/*-;.,$\\\n", max_size=60))
def test_no_text_breaks_the_lexer(sql: str) -> None:
    insert_of(sql)
    native_format(sql)
    without_end(sql)
    insert_of("INSERT INTO " + sql)


def test_a_format_of_its_own_is_replaced_and_only_that() -> None:
    assert native_format("SELECT 1 FORMAT JSON") == "SELECT 1 FORMAT Native"
    assert native_format("SELECT 1 format Null SETTINGS x = 1;") == "SELECT 1 format Native SETTINGS x = 1;"
    for same in ("SELECT 'a FORMAT JSON'", "SELECT format('{}', 1)", "SELECT 1 /* FORMAT JSON */", "SELECT 1"):
        assert native_format(same) == same


def test_what_stands_after_the_statement_goes() -> None:
    assert without_end("SELECT 1 ; -- x\n;") == "SELECT 1"
    assert without_end("SELECT ';'") == "SELECT ';'"


def test_settings_are_names_and_literals() -> None:
    known = {"max_threads": "UInt64", "log_comment": "String"}
    found = wanted([Option("max_threads", "2"), Option("unheard_of", "1"), Option("log_comment", "it's\\")], known)
    assert difference({}, found) == "SET max_threads = '2', log_comment = 'it\\'s\\\\'"
    with pytest.raises(BadOption, match="unheard_of"):
        wanted([Option("unheard_of", "1", important=True)], known)
    for name in ("a = 1, b", "x;DROP TABLE t", "é", "a" * 200):
        with pytest.raises(BadOption, match="not a name"):
            wanted([Option(name, "1")], known)


def test_only_the_difference_is_told() -> None:
    assert difference({"a": "1"}, {"a": "1"}) == ""
    assert difference({"a": "1", "b": "2"}, {"b": "3"}, {"a": "9"}) == "SET b = '3', a = '9'"
    assert difference({"a": "1"}, {}, {}) == "SET a = DEFAULT"


def test_readonly_chooses_a_session_and_is_no_setting_of_it() -> None:
    settings = {"readonly": "1", "max_threads": "2"}
    assert readonly_of(settings)
    assert settings == {"max_threads": "2"}
    assert not readonly_of({"readonly": "0"})
    with pytest.raises(BadOption, match="'yes'"):
        readonly_of({"readonly": "yes"})


def test_names_and_values_are_quoted() -> None:
    assert quoted("a'b\\c\n") == "'a\\'b\\\\c\\n'"
    assert identifier("a`b\\") == "`a\\`b\\\\`"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("INSERT INTO t SELECT 1", "writes"),
        ("-- why\n  create TABLE t (a Int8)", "writes"),
        ("/* x */TRUNCATE t", "writes"),
        ("select 'INSERT'", "reads"),
        ("SELECT 1 INTO OUTFILE 'x'", ""),
        ("WITH 1 AS a SELECT a", ""),
        ("SET a = 1", ""),
        ("", ""),
        ("`INSERT` x", ""),
        ("(SELECT 1)", ""),
    ],
)
def test_the_first_word_tells_much_and_the_engine_is_asked_about_the_rest(sql: str, told: str) -> None:
    assert surely(sql) == told
