//! At a terminal that does not answer: the exact bytes.

use super::*;

#[test]
fn the_terminal_is_asked_once_and_gets_no_other_escape_sequence() {
    let mut session = Session::dumb();
    assert_eq!(session.written, b"\x1b[5ncam> ");
    let typed = session
        .type_in("wifi set net\x17\x15cam \t\x10\x0e\x0c\t\tx\x7f\x01\x02\x05\x06\x0b\x04\x03\r\nhelp\r\n");
    assert!(!typed.contains('\x1b'), "{typed:?}");
    assert!(!session.print("log line with \x1b[31mcolour\n").contains('\x1b'));
    session.busy = true;
    session.type_in("wifi scan\r");
    assert!(!session.prompt().contains('\x1b'));
}

#[test]
fn typing_is_echoed_and_backspace_takes_it_back() {
    let mut session = Session::dumb();
    assert_eq!(session.type_in("helX\x08p\r\n"), "helX\x08 \x08p\r\ncam> ");
    assert_eq!(session.type_in("é本\x7f\x7f\x7f"), "é本\x08 \x08\x08 \x08");
    assert_eq!(session.lines, ["help"]);
}

#[test]
fn every_kind_of_line_end_ends_one_line() {
    let mut session = Session::dumb();
    assert_eq!(session.type_in("a\rb\nc\r\nd\r"), "a\r\ncam> b\r\ncam> c\r\ncam> d\r\ncam> ");
    assert_eq!(session.type_in("\n"), "");
    assert_eq!(session.type_in("\n"), "\r\ncam> ");
    assert_eq!(session.lines, ["a", "b", "c", "d", ""]);
}

#[test]
fn what_is_printed_does_not_tear_the_line() {
    let mut session = Session::dumb();
    session.type_in("wifi sta");
    assert_eq!(session.print("one\ntwo\n"), "\r             \rone\r\ntwo\r\ncam> wifi sta");
    assert_eq!(session.print("no line end"), "\r             \rno line end\r\ncam> wifi sta");
    session.type_in("tus\r");
    assert_eq!(session.lines, ["wifi status"]);
    assert_eq!(session.terminal.screen(), "one\ntwo\nno line end\ncam> wifi status\ncam>");
}

#[test]
fn the_cursor_stays_at_the_end_and_the_rest_works() {
    let mut session = Session::dumb();
    assert_eq!(session.type_in("abc\x02\x01d"), "abcd");
    assert_eq!(session.type_in("\x17x y\x17z"), "\x08 \x08".repeat(4) + "x y\x08 \x08z");
    assert_eq!(session.type_in("\x15"), "\x08 \x08".repeat(3));
    assert_eq!(
        session.type_in("log\r\x10\x10\x0ever\t"),
        "log\r\ncam> log\x08 \x08\x08 \x08\x08 \x08version "
    );
    assert_eq!(session.type_in("\x03"), "^C\r\ncam> ");
    assert_eq!(session.type_in("log \x0c"), "log \r\ncam> log ");
    assert_eq!((session.lines.len(), session.interrupts), (1, 1));
}

#[test]
fn a_terminal_that_came_later_is_asked_again_when_it_shows_what_it_is() {
    let mut session = Session::dumb();
    session.type_in("version\r");
    assert_eq!(session.type_in(LEFT), "\x1b[5n");
    assert_eq!(session.type_in("x\x7f"), "x\x08 \x08");
    assert_eq!(session.terminal.asked, 2);
    session.type_in(ALIVE);
    assert_eq!(session.type_in("x"), "x");
    assert_eq!(session.type_in(LEFT), "\r\x1b[Kcam> x\x1b[1D");
}

/// One that answers something else, or sends back what it gets, would be asked for ever.
#[test]
fn answers_and_unknown_sequences_do_not_make_it_ask_again() {
    let mut session = Session::dumb();
    assert_eq!(session.type_in("\x1b[3n\x1b[5n\x1b[?1;2c\x1b[200~\x1bx"), "x");
}
