//! The commented configuration file `generate-config` prints.

/// Every key with its default and what it is for.
pub const TEMPLATE: &str = include_str!("template.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_template_is_the_defaults() {
        let config: Config = toml::from_str(TEMPLATE).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn every_key_is_in_the_template() {
        let uncommented: String = TEMPLATE
            .lines()
            .map(|line| line.strip_prefix("#~ ").unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let table: toml::Table = toml::from_str(&uncommented).unwrap();
        let known = toml::Table::try_from(toml::from_str::<Config>(&uncommented).unwrap()).unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
        for (section, keys) in &known {
            for key in keys.as_table().unwrap().keys() {
                assert!(table[section].get(key).is_some(), "{section}.{key} is not in the template");
            }
        }
    }
}
