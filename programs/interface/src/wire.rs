//! The types that layouts are made of, and how they are described to people and to the IDL.

/// A public key or address.
#[repr(transparent)]
#[derive(Clone, Copy, Eq, Debug, Default)]
pub struct Key(pub [u8; 32]);

impl PartialEq for Key {
    /// Word by word: four comparisons on chain instead of a call.
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.words() == other.words()
    }
}

impl Key {
    /// "No key": never signs and never owns anything; a gate that finds it refuses.
    pub const NONE: Key = Key([0; 32]);

    /// Whether this is no key at all.
    #[inline(always)]
    pub fn is_none(&self) -> bool {
        *self == Key::NONE
    }

    #[inline(always)]
    fn words(&self) -> (u64, u64, u64, u64) {
        // SAFETY: 32 bytes are four words, of which every bit pattern is a value.
        let [a, b, c, d] = unsafe { core::mem::transmute::<[u8; 32], [u64; 4]>(self.0) };
        (a, b, c, d)
    }
}

/// A u128 as little-endian bytes: its alignment differs between targets, so a `u128` field would not have one layout.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct U128(pub [u8; 16]);

impl U128 {
    /// The number.
    #[inline(always)]
    pub fn get(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    /// The bytes of a number.
    #[inline(always)]
    pub fn new(value: u128) -> Self {
        Self(value.to_le_bytes())
    }
}

/// A type as the IDL names it.
#[derive(Clone, Copy, Debug)]
pub enum Ty {
    /// Unsigned, 1 byte.
    U8,
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 8 bytes.
    U64,
    /// Unsigned, 16 bytes.
    U128,
    /// Signed, 8 bytes.
    I64,
    /// 32 bytes, shown as base58.
    Pubkey,
    /// A fixed number of elements.
    Array(&'static Ty, usize),
    /// A record, by its description.
    Record(&'static Record),
    /// A u32 count, then that many records.
    Vec(&'static Record),
    /// A u32 length, then UTF-8 bytes.
    String,
}

/// A fixed-size type with a description. Plain old data: every bit pattern is a value, and there is no padding.
///
/// # Safety
/// Implementors have no padding and no invalid bit patterns.
pub unsafe trait Plain: Copy + 'static {
    /// Its name in the IDL.
    const TY: Ty;
}

macro_rules! plain {
    ($($rust:ty => $ty:expr),* $(,)?) => { $(
        // SAFETY: an integer or an array of bytes.
        unsafe impl Plain for $rust { const TY: Ty = $ty; }
    )* };
}
plain! { u8 => Ty::U8, u16 => Ty::U16, u32 => Ty::U32, u64 => Ty::U64, i64 => Ty::I64, Key => Ty::Pubkey, U128 => Ty::U128 }

// SAFETY: an array of plain elements is plain.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    const TY: Ty = Ty::Array(&T::TY, N);
}

/// One field of a record, an account or an event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it means, with its unit.
    pub docs: &'static [&'static str],
    /// Its type.
    pub ty: Ty,
}

/// A named group of fields, in order, without padding.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub docs: &'static [&'static str],
    /// Its fields.
    pub fields: &'static [Field],
}

/// An account type.
#[derive(Clone, Copy, Debug)]
pub struct AccountType {
    /// First 8 bytes of the account.
    pub discriminator: [u8; 8],
    /// Fields after the discriminator.
    pub record: &'static Record,
    /// Whole length with the discriminator.
    pub len: usize,
}

/// An event: the head's fields, then the tail's.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// First 8 bytes after the event tag.
    pub discriminator: [u8; 8],
    /// The fixed fields.
    pub record: &'static Record,
    /// Fields of variable length that follow.
    pub tail: &'static [Field],
}

/// Where an account's address comes from.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Chosen by the caller.
    Any,
    /// This address.
    Fixed(Key),
    /// Derived from seeds under the program itself.
    Pda(&'static [Seed]),
}

/// One seed of a derived address.
#[derive(Clone, Copy, Debug)]
pub enum Seed {
    /// These bytes.
    Const(&'static [u8]),
    /// An argument, by path (`binding.meter_id`).
    Arg(&'static str),
    /// The address of another account of the instruction.
    Account(&'static str),
}

/// The address, where it is a constant.
pub const fn pinned(place: Place) -> Option<Key> {
    match place {
        Place::Fixed(key) => Some(key),
        Place::Any | Place::Pda(_) => None,
    }
}

/// An account that an instruction takes.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub docs: &'static [&'static str],
    /// [`SIGNER`], [`WRITABLE`], [`OPTIONAL`] or a sum of them.
    pub flags: u8,
    /// Where its address comes from.
    pub place: Place,
}

/// Nothing is asked of the account.
pub const READ: u8 = 0;
/// The account signs.
pub const SIGNER: u8 = 1;
/// The account is written.
pub const WRITABLE: u8 = 2;
/// The program's own address stands for "none" (Anchor's convention). Flags are then not enforced at the door.
pub const OPTIONAL: u8 = 4;

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Its name in snake case.
    pub name: &'static str,
    /// What it does.
    pub docs: &'static [&'static str],
    /// First 8 bytes of its data.
    pub discriminator: [u8; 8],
    /// The fixed arguments.
    pub args: &'static Record,
    /// Arguments of variable length that follow.
    pub tail: &'static [Field],
    /// The accounts, in order.
    pub accounts: &'static [Meta],
    /// What the accounts after them are.
    pub remaining: &'static str,
}

/// An error that callers meet by name.
#[derive(Clone, Copy, Debug)]
pub struct ErrorCode {
    /// The custom code.
    pub code: u32,
    /// Its name.
    pub name: &'static str,
    /// What went wrong, and what to do.
    pub message: &'static str,
}

/// A whole program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub docs: &'static [&'static str],
    /// Its address.
    pub id: Key,
    /// Its instructions.
    pub instructions: &'static [Instruction],
    /// Its accounts.
    pub accounts: &'static [AccountType],
    /// Its events.
    pub events: &'static [EventType],
    /// Its errors.
    pub errors: &'static [ErrorCode],
}

/// The bytes of a plain value.
#[inline(always)]
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: a plain value has no padding, so all its bytes are initialised.
    unsafe { core::slice::from_raw_parts(value as *const T as *const u8, core::mem::size_of::<T>()) }
}

/// The bytes of plain values in a row.
#[inline(always)]
pub fn bytes_of_slice<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: as in `bytes_of`; elements of a slice lie side by side.
    unsafe { core::slice::from_raw_parts(values.as_ptr() as *const u8, core::mem::size_of_val(values)) }
}

/// Splits a plain value off the front of instruction data.
#[inline(always)]
pub fn split<T: Plain>(data: &[u8]) -> Option<(&T, &[u8])> {
    const { assert!(core::mem::align_of::<T>() == 1) };
    let (head, rest) = data.split_at_checked(core::mem::size_of::<T>())?;
    // SAFETY: the length was checked, the alignment is 1, and every bit pattern is a value.
    Some((unsafe { &*(head.as_ptr() as *const T) }, rest))
}

/// Reads `count u32 ‖ items` that fill `data` to its last byte.
#[inline(always)]
pub fn items<T: Plain>(data: &[u8]) -> Option<&[T]> {
    const { assert!(core::mem::align_of::<T>() == 1) };
    let (count, rest) = data.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    if count.checked_mul(core::mem::size_of::<T>())? != rest.len() {
        return None;
    }
    // SAFETY: the length was checked, the alignment is 1, and every bit pattern is a value.
    Some(unsafe { core::slice::from_raw_parts(rest.as_ptr() as *const T, count) })
}
