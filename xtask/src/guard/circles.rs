//! Circles in a graph: who needs himself, by way of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who leads to whom.
pub(crate) type Graph = BTreeMap<usize, BTreeSet<usize>>;

/// The circles of a graph: for each arrow that lies in one, the shortest that it lies in. The shortest come first.
///
/// Each begins with its smallest member, and names no member twice. `a → b → a` is `[a, b]`.
pub(crate) fn circles(graph: &Graph) -> Vec<Vec<usize>> {
    let mut found = BTreeSet::new();
    for (&from, targets) in graph {
        for &to in targets {
            if let Some(mut circle) = way(graph, to, from) {
                let smallest = (0..circle.len()).min_by_key(|&at| circle[at]).unwrap_or(0);
                circle.rotate_left(smallest);
                found.insert(circle);
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(Vec::len);
    found
}

/// The shortest way from one to another, with both; `None` when none leads there.
fn way(graph: &Graph, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way = vec![to];
            while way[way.len() - 1] != from {
                way.push(came_from[&way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for &next in graph.get(&at).into_iter().flatten() {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                at
            });
        }
    }
    None
}

/// The largest set of members that all lead to each other, by whatever ways; empty when there is no circle.
pub(crate) fn largest_knot(graph: &Graph) -> BTreeSet<usize> {
    let reach: BTreeMap<usize, BTreeSet<usize>> =
        graph.keys().map(|&from| (from, reached(graph, from))).collect();
    let knot = |&from: &usize| -> BTreeSet<usize> {
        let back = |to: &usize| reach.get(to).is_some_and(|reach| reach.contains(&from));
        reach[&from].iter().copied().filter(back).collect()
    };
    graph.keys().map(knot).max_by_key(BTreeSet::len).unwrap_or_default()
}

fn reached(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        waiting.extend(graph.get(&at).into_iter().flatten().filter(|&&next| reached.insert(next)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new();
        for &(from, to) in arrows {
            graph.entry(from).or_default().insert(to);
        }
        graph
    }

    #[test]
    fn a_graph_that_only_runs_down_has_no_circle() {
        let graph = graph(&[(0, 1), (0, 2), (1, 3), (2, 3)]);
        assert_eq!(circles(&graph), Vec::<Vec<usize>>::new());
        assert_eq!(largest_knot(&graph), BTreeSet::new());
    }

    #[test]
    fn each_circle_is_told_once_and_the_shortest_first() {
        let graph = graph(&[(4, 5), (5, 6), (6, 4), (2, 1), (1, 2), (2, 4)]);
        assert_eq!(circles(&graph), [vec![1, 2], vec![4, 5, 6]]);
        assert_eq!(largest_knot(&graph), BTreeSet::from([4, 5, 6]));
    }

    #[test]
    fn of_an_arrow_in_several_circles_the_shortest_is_told() {
        let graph = graph(&[(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 0)]);
        assert_eq!(circles(&graph), [vec![0, 1, 2], vec![0, 1, 2, 3, 4]]);
        assert_eq!(largest_knot(&graph).len(), 5);
    }
}
