//! How names and addresses are written.

/// `submit_meter_reading` as `submitMeterReading`.
pub fn camel(snake: &str) -> String {
    let mut words = snake.split('_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_string();
    words.fold(first, |name, word| name + &capital(word))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// Documentation without the space that follows `///`.
pub fn lines(docs: &[&str]) -> Vec<String> {
    docs.iter().map(|line| line.trim().to_string()).collect()
}

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// An address in base58.
pub fn base58(bytes: &[u8; 32]) -> String {
    let mut digits = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeroes = bytes.iter().take_while(|byte| **byte == 0).map(|_| 0);
    let digits: Vec<u32> = digits.into_iter().chain(zeroes).collect();
    digits.into_iter().rev().map(|digit| char::from(BASE58[digit as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridtokenx_interface::ids;

    #[test]
    fn names_are_turned_into_camel_case() {
        assert_eq!(camel("submit_meter_reading"), "submitMeterReading");
        assert_eq!(camel("owner"), "owner");
    }

    #[test]
    fn addresses_are_written_in_base58() {
        assert_eq!(base58(&ids::SYSTEM.0), "11111111111111111111111111111111");
        assert_eq!(base58(&ids::TOKEN_2022.0), "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
        assert_eq!(base58(&ids::ED25519.0), "Ed25519SigVerify111111111111111111111111111");
    }
}
