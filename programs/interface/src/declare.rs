//! The macros that declare each layout once: the Rust type, its compile-time checks and its description come from the same lines.

/// A packed record of instruction data or of an event: no alignment, no padding, read in place.
macro_rules! record {
    ($(#[doc = $doc:expr])* $name:ident { $($(#[doc = $fdoc:expr])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[repr(C, packed)]
        #[derive(Clone, Copy)]
        pub struct $name { $($(#[doc = $fdoc])* pub $field: $ty,)* }

        // SAFETY: packed, of plain fields.
        unsafe impl $crate::wire::Plain for $name {
            const TY: $crate::wire::Ty = $crate::wire::Ty::Record(&$name::RECORD);
        }

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = core::mem::size_of::<$name>();
            /// Description.
            pub const RECORD: $crate::wire::Record = $crate::wire::Record {
                name: stringify!($name),
                docs: &[$($doc),*],
                fields: &[$($crate::wire::Field {
                    name: stringify!($field), docs: &[$($fdoc),*], ty: <$ty as $crate::wire::Plain>::TY,
                }),*],
            };
        }
    };
}

/// An account: discriminator, then the fields, 8-aligned and without padding.
macro_rules! account {
    ($(#[doc = $doc:expr])* $name:ident: $len:expr => { $($(#[doc = $fdoc:expr])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            /// Names the account type.
            pub discriminator: [u8; 8],
            $($(#[doc = $fdoc])* pub $field: $ty,)*
        }

        // SAFETY: plain fields, and the assertion below finds any padding.
        unsafe impl $crate::wire::Plain for $name {
            const TY: $crate::wire::Ty = $crate::wire::Ty::Record(&$name::RECORD);
        }

        const _: () = assert!(core::mem::size_of::<$name>() == 8 $(+ core::mem::size_of::<$ty>())*, "the layout has padding");
        const _: () = assert!(core::mem::size_of::<$name>() == $len, "the length is part of the interface");
        const _: () = assert!(core::mem::align_of::<$name>() <= 8 && core::mem::size_of::<$name>() % 8 == 0);

        impl $name {
            /// Description of the fields after the discriminator.
            pub const RECORD: $crate::wire::Record = $crate::wire::Record {
                name: stringify!($name),
                docs: &[$($doc),*],
                fields: &[$($crate::wire::Field {
                    name: stringify!($field), docs: &[$($fdoc),*], ty: <$ty as $crate::wire::Plain>::TY,
                }),*],
            };
            /// Description for the IDL.
            pub const TYPE: $crate::wire::AccountType = $crate::wire::AccountType {
                discriminator: <$name as $crate::layout::Account>::DISCRIMINATOR,
                record: &$name::RECORD,
                len: $len,
            };

            /// An account with its discriminator and zeroes.
            pub const fn zeroed() -> Self {
                // SAFETY: zeroes are a value of every plain type.
                let mut account: Self = unsafe { core::mem::zeroed() };
                account.discriminator = <$name as $crate::layout::Account>::DISCRIMINATOR;
                account
            }
        }

        impl $crate::layout::Account for $name {
            const DISCRIMINATOR: [u8; 8] = $crate::sha256::discriminator("account", stringify!($name));
        }
    };
}

/// An event: a packed head, then an optional vector of records.
macro_rules! event {
    ($(#[doc = $doc:expr])* $name:ident { $($(#[doc = $fdoc:expr])* $field:ident: $ty:ty),* $(,)? } $([$($tail:ident: $tail_ty:expr),+])?) => {
        record! { $(#[doc = $doc])* $name { $($(#[doc = $fdoc])* $field: $ty),* } }

        impl $name {
            /// First 8 bytes after the event tag.
            pub const DISCRIMINATOR: [u8; 8] = $crate::sha256::discriminator("event", stringify!($name));
            /// Description for the IDL.
            pub const EVENT: $crate::wire::EventType = $crate::wire::EventType {
                discriminator: Self::DISCRIMINATOR,
                record: &$name::RECORD,
                tail: &[$($($crate::wire::Field { name: stringify!($tail), docs: &[], ty: $tail_ty }),+)?],
            };
        }
    };
}

/// An instruction: arguments, accounts in order, and a struct that holds the accounts by name.
macro_rules! instruction {
    ($(#[doc = $doc:expr])* $name:ident = $snake:literal {
        args { $($(#[doc = $adoc:expr])* $arg:ident: $aty:ty),* $(,)? }
        $(tail { $($tail:ident: $tail_ty:expr),+ })?
        accounts { $($(#[doc = $mdoc:expr])* $account:ident: $flags:expr $(=> $place:expr)?),* $(,)? }
        $(remaining $remaining:literal)?
    }) => {
        /// See the module's parts.
        #[allow(non_snake_case)] // an instruction's module has the name that callers see
        pub mod $name {
            #[allow(unused_imports)] // an instruction without arguments uses none
            use super::*;

            record! { $(#[doc = $doc])* Args { $($(#[doc = $adoc])* $arg: $aty),* } }

            /// First 8 bytes of the instruction's data.
            pub const DISCRIMINATOR: [u8; 8] = $crate::sha256::discriminator("global", $snake);

            /// The accounts by name, in order.
            #[derive(Clone, Copy)]
            pub struct Accounts<A> { $($(#[doc = $mdoc])* pub $account: A,)* }

            /// What is asked of each account, in order: signer, writable.
            pub const FLAGS: &[u8] = &[$($flags),*];

            /// The address that each account must have, in order, where it is a constant.
            pub const PINNED: &[Option<$crate::wire::Key>] = &[$($crate::wire::pinned(instruction!(@place $($place)?))),*];

            impl<A: Copy> Accounts<A> {
                /// Names the accounts; what follows them is the rest. None when there are too few.
                #[inline(always)]
                pub fn split(accounts: &[A]) -> Option<(Self, &[A])> {
                    let ([$($account,)*], rest) = accounts.split_at_checked(FLAGS.len())? else { return None };
                    Some((Self { $($account: *$account,)* }, rest))
                }
            }

            /// Description for the IDL.
            pub const INSTRUCTION: $crate::wire::Instruction = $crate::wire::Instruction {
                name: $snake,
                docs: &[$($doc),*],
                discriminator: DISCRIMINATOR,
                args: &Args::RECORD,
                tail: &[$($($crate::wire::Field { name: stringify!($tail), docs: &[], ty: $tail_ty }),+)?],
                accounts: &[$($crate::wire::Meta {
                    name: stringify!($account), docs: &[$($mdoc),*], flags: $flags,
                    place: instruction!(@place $($place)?),
                }),*],
                remaining: concat!($($remaining)?),
            };
        }
    };
    (@place) => { $crate::wire::Place::Any };
    (@place $place:expr) => { $place };
}

/// A program's errors: the block that all programs share (guards), then its own from 6040. Append only.
macro_rules! errors {
    ($(#[doc = $doc:expr])* $name:ident { $($variant:ident = $code:literal $message:literal),* $(,)? }) => {
        errors! { @all $(#[doc = $doc])* $name {
            Unauthorized = 6000 "The signer is not the one that this step needs.",
            MalformedInstruction = 6001 "The instruction data is too short, too long or out of range.",
            UnknownInstruction = 6002 "No instruction has this discriminator.",
            MissingAccount = 6003 "An account is missing.",
            MissingSigner = 6004 "An account that must sign did not.",
            AccountNotWritable = 6005 "An account that must be writable is not.",
            WrongAccountOwner = 6006 "An account belongs to another program.",
            WrongAccountType = 6007 "An account has another type or length.",
            WrongAddress = 6008 "An account is not the one that its seeds or the stored address name.",
            DuplicateAccount = 6009 "The same account was passed twice.",
            AlreadyInitialized = 6010 "The account exists already.",
            MathOverflow = 6011 "A sum or product does not fit.",
            Paused = 6012 "This step is paused.",
            WrongProgram = 6013 "The called program is not the pinned one.",
            NotTopLevel = 6014 "This instruction works at top level only, not by a call from another program.",
            SignatureCheckMissing = 6015 "The instruction before is not to the Ed25519 program.",
            SignatureCheckMismatch = 6016 "The Ed25519 instruction checks other bytes than the program reads.",
            NotUpgradeAuthority = 6017 "Only the program's upgrade authority may initialise it.",
            NoPendingAuthority = 6018 "No authority was proposed.",
            SameKeyTwice = 6019 "Two roles that must differ were given to one key.",
            RoleUnset = 6020 "A role has no key: fail closed.",
            WrongNetwork = 6021 "The message was signed for another deployment.",
            UnfitTokenAccount = 6022 "The token account has another program, mint, owner or state.",
            $($variant = $code $message,)*
        } }
    };
    (@all $(#[doc = $doc:expr])* $name:ident { $($variant:ident = $code:literal $message:literal,)* }) => {
        $(#[doc = $doc])*
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $message] $variant = $code,)* }

        /// The errors in order.
        pub const ERRORS: &[$crate::wire::ErrorCode] = &[$($crate::wire::ErrorCode {
            code: $code, name: stringify!($variant), message: $message,
        }),*];
    };
}
