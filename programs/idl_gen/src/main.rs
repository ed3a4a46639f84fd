//! Writes each program's IDL twice: Anchor's format 0.1.0 as `NAME.json`, and the older one that anchorpy reads as `legacy/NAME.json`.
//!
//! usage: gridtokenx-idl-gen FOLDER
mod anchor;
mod legacy;
mod names;
mod types;

use std::{env, error::Error, fs, path::Path};

use gridtokenx_interface::PROGRAMS;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: gridtokenx-idl-gen FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("legacy"))?;
    for program in PROGRAMS {
        let file = format!("{}.json", program.name);
        write(&folder.join(&file), &anchor::idl(program))?;
        write(&folder.join("legacy").join(&file), &legacy::idl(program))?;
    }
    Ok(())
}

fn write(path: &Path, idl: &Value) -> Result<(), Box<dyn Error>> {
    fs::write(path, format!("{idl:#}\n"))?;
    Ok(())
}
