//! What the service does. There is nothing to do in this file.

use std::collections::HashMap;

/// Values by their keys: one store, for all clients.
#[derive(Debug, Default)]
pub struct Store(HashMap<String, String>);

impl Store {
    /// Does what the request says. That is fast: nothing in here waits.
    pub fn answer(&mut self, request: &str) -> String {
        let done = self.perform(request);
        done.unwrap_or_else(|why| format!("error: {why}"))
    }

    fn perform(&mut self, request: &str) -> Result<String, &'static str> {
        let (operation, rest) = request.split_once(' ').unwrap_or((request, ""));
        let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
        match operation {
            "put" | "get" | "add" if key.is_empty() => Err("no key"),
            "put" => {
                self.0.insert(key.into(), value.into());
                Ok("ok".into())
            }
            "get" => {
                let value = self.0.get(key).ok_or("no such key")?;
                Ok(format!("ok {value}"))
            }
            "add" => {
                let before = self.0.get(key).map_or("0", String::as_str);
                let sum = number(before)?.checked_add(number(value)?);
                let sum = sum.ok_or("a sum that is too large")?.to_string();
                self.0.insert(key.into(), sum.clone());
                Ok(format!("ok {sum}"))
            }
            _ => Err("unknown operation"),
        }
    }
}

fn number(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "not a number")
}
