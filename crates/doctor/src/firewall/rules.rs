//! A model of a packet filter, as far as a new TCP connection from the home network needs it.
//!
//! The model is only good to say for certain that nothing lets such a connection in. A rule with a condition that is
//! not understood may let somebody in, and then nothing is said.

use std::collections::HashMap;

/// A chain of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// The verdict at the end of the chain; `None` for a chain that other chains call.
    pub policy: Option<Verdict>,
}

/// One rule of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Whether the rule is about connections to the port.
    pub about: About,
    /// The action of the rule.
    pub action: Action,
}

/// Whether a rule is about connections to the port. A greater value is a surer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// It is about none of them.
    None,
    /// It may be about some of them.
    Some,
    /// It is about each of them.
    All,
}

/// The action of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The walk ends with this verdict.
    End(Verdict),
    /// The walk goes on in another chain, and comes back.
    Jump(String),
    /// The walk goes on in another chain, and does not come back.
    Goto(String),
    /// The walk goes back to the chain that called this one.
    Return,
    /// The rule only counts, logs or marks, which does not matter here.
    Nothing,
}

/// The verdict on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
}

/// The outcome of walking a chain.
#[derive(Clone, Copy)]
enum Outcome {
    /// Some connections may be let in.
    In,
    /// No connection is let in.
    Out,
    /// The walk goes on in the chain that called this one.
    Back,
}

/// Whether a chain that the kernel calls keeps all connections to the port out.
pub(super) fn keeps_out(chains: &HashMap<String, Chain>, base: &str) -> bool {
    match walk(chains, base, &mut HashMap::new()) {
        Outcome::In => false,
        Outcome::Out => true,
        Outcome::Back => chains.get(base).and_then(|chain| chain.policy) == Some(Verdict::Drop),
    }
}

/// The outcome of a chain. `known` are the chains that were walked already.
///
/// A chain that leads back to itself would be walked for ever. The kernel lets nobody make one, but the text that is
/// read here may have one. Then the second visit counts as the way back.
fn walk<'a>(
    chains: &'a HashMap<String, Chain>,
    name: &'a str,
    known: &mut HashMap<&'a str, Outcome>,
) -> Outcome {
    if let Some(outcome) = known.get(name) {
        return *outcome;
    }
    known.insert(name, Outcome::Back);
    let outcome = chains.get(name).map_or(Outcome::Back, |chain| through(chains, chain, known));
    known.insert(name, outcome);
    outcome
}

fn through<'a>(
    chains: &'a HashMap<String, Chain>,
    chain: &'a Chain,
    known: &mut HashMap<&'a str, Outcome>,
) -> Outcome {
    for Rule { about, action } in chain.rules.iter().filter(|rule| rule.about > About::None) {
        let all = *about == About::All;
        let outcome = match action {
            Action::End(Verdict::Accept) => Outcome::In,
            Action::End(Verdict::Drop) => Outcome::Out,
            Action::Jump(to) => walk(chains, to, known),
            // After `goto`, the way back from that chain leads to whoever called this one.
            Action::Goto(to) => match walk(chains, to, known) {
                Outcome::Back if all => return Outcome::Back,
                outcome => outcome,
            },
            Action::Return if all => return Outcome::Back,
            Action::Return | Action::Nothing => continue,
        };
        match outcome {
            Outcome::In => return Outcome::In,
            Outcome::Out if all => return Outcome::Out,
            // The rule may be about some connections only. The others go on to the next rule.
            Outcome::Out | Outcome::Back => {}
        }
    }
    Outcome::Back
}

/// Whether a port is in a list such as `22`, `80,443`, `8000:8100` or `8000-8100`.
pub(super) fn has_port(list: &str, port: u16) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once([':', '-']).unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>();
        matches!((number(first), number(last)), (Ok(first), Ok(last)) if (first..=last).contains(&port))
    })
}

#[cfg(test)]
mod tests {
    use super::Action::{End, Goto, Jump, Nothing, Return};
    use super::Verdict::{Accept, Drop};
    use super::*;

    type Rules<'a> = &'a [(About, Action)];

    /// Whether the chain `in` with that policy and these rules keeps connections out, when there is a chain `a`, too.
    fn out(policy: Verdict, rules: Rules<'_>, a: Rules<'_>) -> bool {
        let chain = |policy, rules: Rules<'_>| {
            let rule = |(about, action): &(About, Action)| Rule { about: *about, action: action.clone() };
            Chain { policy, rules: rules.iter().map(rule).collect() }
        };
        keeps_out(
            &HashMap::from([("in".into(), chain(Some(policy), rules)), ("a".into(), chain(None, a))]),
            "in",
        )
    }

    #[test]
    fn only_what_nothing_lets_in_is_kept_out() {
        use About::{All, None, Some};
        assert!(out(Drop, &[], &[]));
        assert!(!out(Accept, &[], &[]));
        assert!(out(Accept, &[(All, Nothing), (All, End(Drop))], &[]));
        assert!(!out(Drop, &[(All, End(Accept))], &[]));
        assert!(!out(Drop, &[(Some, End(Accept))], &[]), "it may be about us");
        assert!(out(Drop, &[(None, End(Accept))], &[]));
        assert!(!out(Accept, &[(Some, End(Drop))], &[]), "it may not be about us");
        assert!(!out(Drop, &[(Some, End(Drop)), (All, End(Accept))], &[]));
    }

    #[test]
    fn chains_that_others_call_count() {
        use About::{All, Some};
        let to_a = || Jump("a".into());
        assert!(!out(Drop, &[(All, to_a())], &[(All, End(Accept))]));
        assert!(out(Accept, &[(All, to_a())], &[(All, End(Drop))]));
        assert!(!out(Accept, &[(All, to_a())], &[(All, Return), (All, End(Drop))]));
        assert!(!out(Accept, &[(Some, to_a())], &[(All, End(Drop))]));
        assert!(out(Drop, &[(All, Goto("a".into())), (All, End(Accept))], &[]));
        assert!(!out(Accept, &[(All, Jump("in".into()))], &[]), "a circle ends");
    }

    #[test]
    fn ports_are_numbers_lists_and_ranges() {
        for (list, has) in [
            ("8080", true),
            ("80", false),
            ("22,8080", true),
            ("8000:8100", true),
            ("8000-8079, 8081-9000", false),
            ("http", false),
            ("", false),
        ] {
            assert_eq!(has_port(list, 8080), has, "{list}");
        }
    }

    #[test]
    fn chains_that_go_in_circles_come_to_an_end() {
        use About::{All, Some};
        let around = || vec![(Some, Jump("a".into())); 100];
        assert!(out(Drop, &[(All, Jump("a".into()))], &around()));
        assert!(!out(Drop, &[(All, Jump("a".into()))], &[around(), vec![(All, End(Accept))]].concat()));
        assert!(out(Drop, &[(All, Jump("in".into()))], &[]));
    }
}
