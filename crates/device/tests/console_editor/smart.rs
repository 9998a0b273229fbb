//! At a terminal that understands escape sequences: what is on its screen.

use super::*;
use lenscast_device::console::editor::{COLUMNS, MAX_HISTORY, MAX_LINE_BYTES, MAX_TYPE_AHEAD};

#[test]
fn the_answer_of_the_terminal_is_not_typed() {
    let mut session = Session::dumb();
    assert_eq!(session.type_in("wi\x1b[0"), "wi");
    assert_eq!(session.type_in("nfi"), "fi");
    session.type_in(LEFT);
    session.shows("cam> wif|i");
    session.type_in("\r");
    assert_eq!(session.lines, ["wifi"]);
}

#[test]
fn the_line_is_edited_in_its_middle() {
    let mut session = Session::smart();
    for (keys, row) in [
        ("wfi stats", "cam> wfi stats|"),
        ("\x01\x06i", "cam> wi|fi stats"),
        ("\x1b[4~\x1b[D\x02u", "cam> wifi stau|ts"),
        ("\x7ft\x7f", "cam> wifi sta|ts"),
        ("\x1b[Ctu\x1b[D\x1b[D\x1b[D\x1b[3~\x1bOF", "cam> wifi status|"),
        ("\x1bOD\x1bOD\x1bOD\x1bOC\x0b", "cam> wifi stat|"),
        ("\x08tus", "cam> wifi status|"),
        ("\x1b[H\x1b[3~\x1b[3~W", "cam> W|fi status"),
        ("\x06\x0b", "cam> Wf|"),
    ] {
        session.type_in(keys);
        session.shows(row);
    }
    session.type_in("\r");
    assert_eq!(session.lines, ["Wf"]);
}

#[test]
fn words_and_lines_are_deleted() {
    let mut session = Session::smart();
    session.type_in("wifi set  net   ");
    for row in ["cam> wifi set  |", "cam> wifi |", "cam> |", "cam> |"] {
        session.type_in("\x17");
        session.shows(row);
    }
    session.type_in("one two three\x1b[D\x1b[D\x17");
    session.shows("cam> one two |ee");
    session.type_in("\x15");
    session.shows("cam> |");
    session.type_in("x\x1b[D\x0b\x0b\x08\x1b[3~");
    session.shows("cam> |");
}

#[test]
fn a_character_of_several_bytes_is_one_column() {
    let mut session = Session::smart();
    session.type_in("Café 日本🎥\x1b[D\x1b[D\x08");
    session.shows("cam> Café |本🎥");
    session.type_in(DELETE);
    session.type_in("\x1b[D\x1b[D\x08x");
    session.shows("cam> Cax|é 🎥");
    for byte in "日".as_bytes() {
        session.type_in([*byte]);
    }
    session.shows("cam> Cax日|é 🎥");
    session.type_in(b"\xff\xc3\x80\xe6y");
    session.type_in("\r");
    assert_eq!(session.lines, ["Cax日Àyé 🎥"]);
}

#[test]
fn what_is_printed_stands_above_the_line() {
    let mut session = Session::smart();
    session.type_in("wifi sttus\x1b[D\x1b[D\x1b[D");
    session.print("first\nsecond\n");
    session.print("third");
    assert_eq!(session.terminal.screen(), "first\nsecond\nthird\ncam> wifi sttus");
    session.shows("cam> wifi st|tus");
    session.type_in("a\r");
    assert_eq!(session.lines, ["wifi status"]);
    assert_eq!(session.terminal.screen(), "first\nsecond\nthird\ncam> wifi status\ncam>");
}

#[test]
fn while_a_command_runs_printing_just_prints() {
    let mut session = Session::smart();
    session.busy = true;
    session.type_in("wifi scan\r");
    assert_eq!(session.print("found "), "found ");
    assert_eq!(session.print("2 networks\r\nand more"), "2 networks\r\nand more");
    assert_eq!(session.print(""), "");
    assert_eq!(session.prompt(), "\r\ncam> ");
    assert_eq!(session.prompt(), "");
    assert_eq!(session.terminal.screen(), "cam> wifi scan\nfound 2 networks\nand more\ncam>");
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    let mut session = Session::smart();
    session.print("ssid=\x1b[2J\x07\u{9b}31m\x7f\tend\n");
    assert_eq!(session.written.iter().filter(|&&byte| byte == 0x1b).count(), 2);
    assert!(String::from_utf8(session.written).unwrap().contains("ssid=?[2J??31m?\tend\r\n"));
}

#[test]
fn a_long_line_scrolls_in_its_row() {
    let mut session = Session::smart();
    let line: String = ('a'..='z').chain('0'..='9').cycle().take(200).collect();
    session.type_in(&line[..74]);
    session.shows(&format!("cam> {}|", &line[..74]));
    session.type_in(&line[74..]);
    session.shows(&format!("cam> {}|", &line[126..]));
    session.type_in(LEFT);
    session.shows(&format!("cam> {}|{}", &line[126..199], &line[199..]));
    session.type_in(LEFT.repeat(100));
    session.shows(&format!("cam> {}|{}", &line[26..99], &line[99..100]));
    session.print("news\n");
    session.shows(&format!("cam> {}|{}", &line[26..99], &line[99..100]));
    session.type_in("\x01");
    session.shows(&format!("cam> |{}", &line[..74]));
    session.type_in(RIGHT.repeat(73) + "X");
    session.shows(&format!("cam> {}X|{}", &line[1..73], &line[73..74]));
    assert_eq!(session.terminal.row, 1);
    session.type_in("\r");
    assert_eq!(session.last_line(), format!("{}X{}", &line[..73], &line[73..]));
    let widest = session.terminal.screen().lines().map(str::len).max();
    assert!(widest < Some(COLUMNS));
}

#[test]
fn a_line_that_grew_long_before_the_terminal_answered_begins_anew() {
    let mut session = Session::dumb();
    session.type_in("x".repeat(100));
    assert_eq!(session.terminal.row, 1);
    session.type_in(ALIVE);
    session.shows(&format!("cam> {}|", "x".repeat(74)));
    assert_eq!(session.terminal.row, 2);
}

#[test]
fn a_line_has_at_most_256_bytes_and_beyond_it_the_bell_rings() {
    for mut session in [Session::dumb(), Session::smart()] {
        session.type_in("x".repeat(MAX_LINE_BYTES - 1));
        assert_eq!(session.terminal.bells, 0);
        session.type_in("é");
        assert_eq!(session.terminal.bells, 1);
        session.type_in("yz");
        assert_eq!(session.terminal.bells, 2);
        // What is in it is not what was typed, so that it is no command.
        session.type_in("\r");
        assert_eq!((session.too_long, session.lines.len()), (1, 0));
        session.type_in(UP);
        session.shows("cam> |");
        session.type_in("x".repeat(MAX_LINE_BYTES));
        session.type_in("\r");
        assert_eq!((session.too_long, session.last_line()), (1, &*"x".repeat(MAX_LINE_BYTES)));
    }
}

#[test]
fn a_line_that_was_too_long_and_was_mended_is_a_command() {
    for mend in ["\x7f", "\x17", "\x15help"] {
        let mut session = Session::smart();
        session.type_in("x".repeat(MAX_LINE_BYTES + 10));
        session.type_in(mend);
        session.type_in("\r");
        assert_eq!((session.too_long, session.lines.len()), (0, 1), "{mend:?}");
    }
    let mut session = Session::smart();
    session.type_in("x".repeat(MAX_LINE_BYTES + 10));
    session.type_in("\x03help\r");
    assert_eq!((session.too_long, session.last_line()), (0, "help"));
}

#[test]
fn the_arrows_recall_what_was_typed() {
    let mut session = Session::smart();
    session.type_in("wifi status\rcam status\r\r  \rcam status\r");
    session.type_in("dra");
    for (key, row) in [
        (UP, "cam> cam status|"),
        (UP, "cam> wifi status|"),
        ("\x10", "cam> wifi status|"),
        (DOWN, "cam> cam status|"),
        (DOWN, "cam> dra|"),
        ("\x0e", "cam> dra|"),
        ("\x10", "cam> cam status|"),
    ] {
        session.type_in(key);
        session.shows(row);
    }
    session.type_in("\x17dump\r\x1b[A");
    session.shows("cam> cam dump|");
    session.type_in(UP);
    session.shows("cam> cam status|");
    session.type_in("\x03\x1b[A");
    session.shows("cam> cam dump|");
}

#[test]
fn sixteen_lines_are_kept() {
    let mut session = Session::smart();
    for n in 0..MAX_HISTORY + 5 {
        session.type_in(format!("cam quality {n}\r"));
    }
    session.type_in(UP.repeat(MAX_HISTORY - 1));
    session.shows("cam> cam quality 6|");
    session.type_in(UP.repeat(5));
    session.shows("cam> cam quality 5|");
}

#[test]
fn passwords_and_keys_are_not_recalled() {
    let mut session = Session::smart();
    session.type_in("version\rwifi set net password save\rstream set key abc\rwifi sett net password\r");
    assert_eq!(session.lines.len(), 4);
    session.type_in(UP);
    session.shows("cam> version|");
    assert!(!format!("{:?} {:?}", session.editor, Input::Line("password".into())).contains("password"));
}

#[test]
fn tab_completes_as_far_as_it_is_clear() {
    let mut session = Session::smart();
    for (keys, row) in [
        ("wi\t", "cam> wifi |"),
        ("sta\t", "cam> wifi status |"),
        ("\x15cam s\t", "cam> cam s|"),
        ("iz\tq\t", "cam> cam size q|"),
        ("v\tsa\t", "cam> cam size qvga save |"),
        ("\x15str st\x1b[D\x1b[D\x1b[D\t", "cam> stream |st"),
        ("\x15wifi set -\tnet --p\t", "cam> wifi set --ssid net --pass |"),
        ("\x15wifi set \t", "cam> wifi set |"),
        ("\x15dis\t\x15wifi d\t", "cam> wifi disconnect |"),
        ("\x15cam adaptive \t", "cam> cam adaptive o|"),
    ] {
        session.type_in(keys);
        session.shows(row);
    }
    assert_eq!(session.terminal.row, 0);
}

#[test]
fn a_second_tab_lists_what_is_possible() {
    let mut session = Session::smart();
    session.type_in("wifi s\t");
    assert_eq!((session.terminal.screen().as_str(), session.terminal.bells), ("cam> wifi s", 1));
    session.type_in("\t");
    assert_eq!(session.terminal.screen(), "cam> wifi s\nstatus  scan  set\ncam> wifi s");
    session.type_in("e\t\t\t");
    assert!(session.terminal.screen().ends_with("cam> wifi set\n--ssid  <ssid>\ncam> wifi set"));
    session.type_in("n\t");
    session.shows("cam> wifi set n|");

    let mut session = Session::smart();
    session.type_in("nothing \t\t");
    assert_eq!((session.terminal.screen().as_str(), session.terminal.bells), ("cam> nothing", 2));
    session.type_in("\x15cam \tx\x7f\t");
    assert_eq!(session.terminal.row, 0, "another key between two Tabs begins anew");
    session.type_in("\x15\t\x03\t");
    assert_eq!(session.terminal.row, 1, "so does another line");
    session.type_in("cam \t\t");
    let screen = session.terminal.screen();
    assert!(screen.lines().count() > 2 && screen.lines().all(|row| row.len() < COLUMNS), "{screen}");
    session.shows("cam> cam |");
}

#[test]
fn a_completion_that_does_not_fit_rings_the_bell() {
    let mut session = Session::smart();
    let line = format!("wifi set {} password sa", "x".repeat(MAX_LINE_BYTES - 22));
    session.type_in(&line);
    let bells = session.terminal.bells;
    session.type_in("\t");
    assert_eq!(session.terminal.bells, bells + 1);
    session.type_in("\r");
    assert_eq!(session.lines, [line]);
}

#[test]
fn ctrl_c_drops_the_line_and_ctrl_l_clears_the_screen() {
    let mut session = Session::smart();
    session.type_in("wifi set\x1b[D\x1b[D\x03");
    assert_eq!(session.interrupts, 1);
    assert_eq!(session.terminal.screen(), "cam> wifi set^C\ncam>");
    session.type_in("cam d\x1b[D\x0c");
    assert_eq!(session.terminal.screen().trim_end(), "cam> cam d");
    session.shows("cam> cam |d");
    session.type_in("\x04\x1b[4~ump\r");
    assert_eq!(session.lines, ["cam dump"]);
}

#[test]
fn a_lone_escape_does_not_eat_what_is_typed() {
    let mut session = Session::smart();
    session.type_in("\x1bhelp\r\x1b\x1b[Dversion\r\x1b[12;\rx\r");
    assert_eq!(session.lines, ["help", "version", "", "x"]);
}

#[test]
fn what_is_typed_while_a_command_runs_is_handled_at_the_next_prompt() {
    let mut session = Session::smart();
    session.busy = true;
    session.type_in("wifi scan\r");
    assert_eq!(session.type_in("cam duX\x7fm"), "");
    assert_eq!(session.type_in("p\rversion\rhel"), "");
    session.print("found\n");
    session.prompt();
    session.type_in("");
    assert_eq!(session.lines, ["wifi scan", "cam dump"]);
    assert_eq!(session.prompt(), "cam> ");
    session.busy = false;
    session.type_in("");
    assert_eq!(session.lines, ["wifi scan", "cam dump", "version"]);
    session.type_in("p");
    session.shows("cam> help|");
    assert_eq!(session.terminal.screen(), "cam> wifi scan\nfound\ncam> cam dump\ncam> version\ncam> help");
}

#[test]
fn ctrl_c_is_seen_while_a_command_runs_and_drops_what_was_typed_ahead() {
    let mut session = Session::smart();
    session.busy = true;
    session.type_in("wifi scan\rreboot\r\x03");
    assert_eq!((session.lines.len(), session.interrupts), (1, 1));
    session.prompt();
    session.type_in("");
    assert_eq!(session.lines, ["wifi scan"]);
    session.shows("cam> |");
}

#[test]
fn the_terminal_may_answer_while_a_command_runs() {
    let mut session = Session::dumb();
    session.busy = true;
    session.type_in("wifi scan\r");
    session.type_in(ALIVE);
    session.prompt();
    session.type_in("ab\x1b[D");
    session.shows("cam> a|b");
}

#[test]
fn what_is_typed_ahead_is_bounded() {
    let mut session = Session::smart();
    session.busy = true;
    session.type_in("\r");
    session.type_in("é\t".repeat(10_000));
    assert_eq!(session.terminal.bells, 20_000 - MAX_TYPE_AHEAD);
    session.prompt();
    session.type_in("");
    session.shows(&format!("cam> {}|", "é".repeat(74)));
    // Whatever follows: the line has a gap.
    session.type_in("more\r");
    assert_eq!((session.too_long, session.lines.len()), (1, 1));
    session.prompt();
    session.type_in("help\r");
    assert_eq!((session.too_long, session.last_line()), (1, "help"));
}

#[test]
fn a_line_of_which_keys_were_lost_while_a_command_ran_is_no_command() {
    const HOME: &str = "\x01";
    let mut session = Session::smart();
    session.busy = true;
    // What was typed ahead is a whole line and a part of the next, up to the brim; one key more is lost.
    session.type_in("\r");
    session.type_in(format!("version\rcam ir {}1", HOME.repeat(MAX_TYPE_AHEAD - 15)));
    session.prompt();
    session.type_in("");
    assert_eq!(session.last_line(), "version");
    // There is room again, but what comes now stands behind the gap.
    session.type_in("0\r");
    session.busy = false;
    session.prompt();
    session.type_in("\r");
    assert_eq!((session.too_long, session.last_line()), (1, "version"));
    session.type_in("help\r");
    assert_eq!((session.too_long, session.last_line()), (1, "help"));
}
