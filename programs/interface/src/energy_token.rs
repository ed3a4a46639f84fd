//! energy_token: the Token-2022 mint of which one token is one kWh of attested net production.

use crate::ids;
use crate::wire::{Key, Place, Program, Ty, READ, SIGNER, U128, WRITABLE};

/// Decimals of the mint.
pub const DECIMALS: u8 = 9;
/// Base units in a Wh.
pub const UNITS_PER_WH: u64 = 1_000_000;
/// Longest beneficiary of a retirement, bytes.
pub const MAX_BENEFICIARY: usize = 64;
/// Longest reason of a retirement, bytes.
pub const MAX_REASON: usize = 128;
/// Offset of `minting_enabled` in [`Config`], for the registry, which looks before it calls.
pub const MINTING_ENABLED_OFFSET: usize = core::mem::offset_of!(Config, minting_enabled);

account! {
    /// Settings and totals; its address is the mint's authority.
    Config: 272 => {
        /// May enable and disable minting.
        authority: Key,
        /// Proposed next authority; zero when none.
        pending_authority: Key,
        /// The mint.
        mint: Key,
        /// The only caller of minting and burning: the registry's derived address.
        registry_authority: Key,
        /// Minted in all, base units.
        minted_units: U128,
        /// Burned for consumption in all, base units.
        burned_units: U128,
        /// Retired by holders in all, base units.
        retired_units: U128,
        /// 1 when minting is enabled.
        minting_enabled: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Bump of the mint's address.
        mint_bump: u8,
        /// Zero.
        reserved: [u8; 85],
    }
}

record! {
    /// Tokens to or from one token account, in the order of the accounts.
    Amount {
        /// Base units.
        amount: u64,
    }
}
record! {
    /// Tokens that moved.
    TokenMove {
        /// Owner of the token account.
        recipient: Key,
        /// Base units.
        amount: u64,
    }
}

event! {
    /// Tokens were minted for net production.
    TokensMinted {
        /// The mint's supply afterwards, base units.
        new_total_supply: u64,
        /// Chain time, Unix seconds.
        timestamp: i64,
    } [items: Ty::Vec(&TokenMove::RECORD)]
}
event! {
    /// Tokens were burned for net consumption.
    TokensBurned {
        /// The mint's supply afterwards, base units.
        new_total_supply: u64,
        /// Chain time, Unix seconds.
        timestamp: i64,
    } [items: Ty::Vec(&TokenMove::RECORD)]
}
event! {
    /// A holder retired tokens.
    TokensRetired {
        /// Who.
        holder: Key,
        /// How much, base units.
        amount: u64,
        /// The mint's supply afterwards, base units.
        new_total_supply: u64,
        /// Chain time, Unix seconds.
        timestamp: i64,
    } [beneficiary: Ty::String, reason: Ty::String]
}
event! {
    /// The token was set up.
    TokenInitialized {
        /// First authority.
        authority: Key,
        /// The mint.
        mint: Key,
    }
}
event! {
    /// An authority was proposed.
    AuthorityProposed {
        /// Who proposes.
        authority: Key,
        /// Who may accept.
        pending_authority: Key,
    }
}
event! {
    /// An authority was accepted.
    AuthorityChanged {
        /// Who it was.
        old_authority: Key,
        /// Who it is.
        new_authority: Key,
    }
}
event! {
    /// Minting was enabled or disabled.
    MintingChanged {
        /// 1 enabled.
        enabled: u8,
    }
}

errors! {
    /// What the energy token refuses.
    EnergyTokenError {
        MintingDisabled = 6040 "Minting is disabled.",
        ZeroAmount = 6041 "The amount is zero.",
        TextTooLong = 6042 "A text is longer than its field, or not UTF-8.",
        BeneficiaryMissing = 6043 "A retirement names its beneficiary and its reason.",
    }
}

const CONFIG: Place = Place::Fixed(ids::energy_token::CONFIG);
const MINT: Place = Place::Fixed(ids::energy_token::MINT);
const EVENT_AUTHORITY: Place = Place::Fixed(ids::energy_token::EVENT_AUTHORITY);
const SELF: Place = Place::Fixed(ids::energy_token::ID);
const TOKEN_2022: Place = Place::Fixed(ids::TOKEN_2022);
const REGISTRY: Place = Place::Fixed(ids::registry::AUTHORITY);

instruction! {
    /// Creates the mint with its metadata and the settings, once, by the program's upgrade authority.
    Initialize = "initialize" {
        args {
            /// First authority.
            authority: Key,
        }
        tail { name: Ty::String, symbol: Ty::String, uri: Ty::String }
        accounts {
            /// Pays for the accounts.
            payer: SIGNER | WRITABLE,
            /// The program's upgrade authority.
            upgrade_authority: SIGNER,
            /// The program's data account.
            program_data: READ => Place::Fixed(ids::energy_token::PROGRAM_DATA),
            /// Created here.
            config: WRITABLE => CONFIG,
            /// Created here.
            mint: WRITABLE => MINT,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// Creates accounts.
            system_program: READ => Place::Fixed(ids::SYSTEM),
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Proposes the next authority; it changes when that key accepts.
    ProposeAuthority = "propose_authority" {
        args {
            /// Who may accept; zero withdraws.
            new_authority: Key,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// The proposed authority takes over.
    AcceptAuthority = "accept_authority" {
        args {}
        accounts {
            /// The proposed authority.
            pending_authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Enables or disables minting; burning and retiring go on.
    SetMintingEnabled = "set_minting_enabled" {
        args {
            /// 1 enables, 0 disables.
            enabled: u8,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Mints to token accounts, one amount each; the registry's derived address signs.
    MintFromProduction = "mint_from_production" {
        args {}
        tail { items: Ty::Vec(&Amount::RECORD) }
        accounts {
            /// The registry's derived address.
            registry_authority: SIGNER => REGISTRY,
            /// Settings; signs as the mint's authority.
            config: WRITABLE => CONFIG,
            /// The mint.
            mint: WRITABLE => MINT,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
        remaining "one token account [writable] for each amount."
    }
}
instruction! {
    /// Burns from token accounts by the registry's delegation, one amount each; the registry's derived address signs.
    BurnForConsumption = "burn_for_consumption" {
        args {}
        tail { items: Ty::Vec(&Amount::RECORD) }
        accounts {
            /// The registry's derived address: delegate of the token accounts.
            registry_authority: SIGNER => REGISTRY,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// The mint.
            mint: WRITABLE => MINT,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
        remaining "one token account [writable] for each amount."
    }
}
instruction! {
    /// A holder retires tokens for a beneficiary and a reason.
    RetireTokens = "retire_tokens" {
        args {
            /// Base units.
            amount: u64,
        }
        tail { beneficiary: Ty::String, reason: Ty::String }
        accounts {
            /// The holder.
            holder: SIGNER,
            /// His token account.
            token_account: WRITABLE,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// The mint.
            mint: WRITABLE => MINT,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}

/// The program, for the IDL.
pub const PROGRAM: Program = Program {
    name: "energy_token",
    docs: &["The energy token: 1 kWh of attested net production is 1 token."],
    id: ids::energy_token::ID,
    instructions: &[
        Initialize::INSTRUCTION,
        ProposeAuthority::INSTRUCTION,
        AcceptAuthority::INSTRUCTION,
        SetMintingEnabled::INSTRUCTION,
        MintFromProduction::INSTRUCTION,
        BurnForConsumption::INSTRUCTION,
        RetireTokens::INSTRUCTION,
    ],
    accounts: &[Config::TYPE],
    events: &[
        TokensMinted::EVENT,
        TokensBurned::EVENT,
        TokensRetired::EVENT,
        TokenInitialized::EVENT,
        AuthorityProposed::EVENT,
        AuthorityChanged::EVENT,
        MintingChanged::EVENT,
    ],
    errors: ERRORS,
};
