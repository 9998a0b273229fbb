//! From which addresses requests came, as far as it helps to find a NAT that hides who asks: a port that Docker or a
//! router passes on comes from one address, whoever uses it.
//!
//! What is kept is bounded: [`MAX_ADDRESSES`] addresses with a number each. Further ones are counted together.

use serde::Serialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;

/// How many addresses are kept. Of more than one, no NAT is found anyhow.
pub const MAX_ADDRESSES: usize = 8;

/// Requests by the address that they came from, since the server started. Those of this computer are left out.
#[derive(Debug, Default)]
pub struct Callers(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    by_address: HashMap<IpAddr, u64>,
    others: u64,
}

/// How many requests came from one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Caller {
    /// The address; null for all that are not counted alone.
    #[schema(value_type = Option<String>, required)]
    pub address: Option<IpAddr>,
    /// Requests since the server started.
    pub requests: u64,
}

impl Callers {
    /// Counts a request.
    pub(super) fn note(&self, address: IpAddr) {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() {
            return;
        }
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = counted.by_address.len() < MAX_ADDRESSES;
        match counted.by_address.get_mut(&address) {
            Some(count) => *count += 1,
            None if has_room => {
                counted.by_address.insert(address, 1);
            }
            None => counted.others += 1,
        }
    }

    /// The addresses, the one with most requests first, and the others together, if there are any.
    #[must_use]
    pub fn list(&self) -> Vec<Caller> {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let caller =
            |(address, requests): (&IpAddr, &u64)| Caller { address: Some(*address), requests: *requests };
        let mut list: Vec<Caller> = counted.by_address.iter().map(caller).collect();
        list.sort_by_key(|caller| (std::cmp::Reverse(caller.requests), caller.address));
        if counted.others > 0 {
            list.push(Caller { address: None, requests: counted.others });
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_addresses_are_a_few_and_the_rest_and_this_computer_is_none() {
        let callers = Callers::default();
        for local in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"] {
            callers.note(local.parse().unwrap());
        }
        assert_eq!(callers.list(), []);
        callers.note("::ffff:172.17.0.1".parse().unwrap());
        callers.note("172.17.0.1".parse().unwrap());
        assert_eq!(callers.list(), [Caller { address: Some([172, 17, 0, 1].into()), requests: 2 }]);
        for number in 0..100_000_u32 {
            callers.note(number.to_be_bytes().map(|byte| byte | 16).into());
        }
        let list = callers.list();
        assert_eq!(list.len(), MAX_ADDRESSES + 1);
        assert_eq!(list.last().unwrap().address, None);
        assert_eq!(list.iter().map(|caller| caller.requests).sum::<u64>(), 100_002);
    }
}
