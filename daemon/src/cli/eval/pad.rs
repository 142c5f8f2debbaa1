//! `ostiaryd eval pad`: copies of faces told from faces.
