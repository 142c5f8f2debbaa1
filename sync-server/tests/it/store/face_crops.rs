//! Pictures of enrolled faces: sealed, one for each photo, and gone with what they belong to.

use ostiary_common::ids::{PackId, PersonChangeId, PersonId, TemplateId};
use ostiary_models::face_crop::FaceCrop;
use ostiary_server::domain::mending::{MergeOrder, SplitOrder};
use ostiary_server::domain::person::Template;
use ostiary_server::ports::face_crops::{CropCounts, CropPlace, FaceCropStore};
use ostiary_server::ports::templates::TemplateStore;
use ostiary_server::ports::{MendingStore, PersonStore};
use ostiary_server::store::sql::SqlStore;

use super::consent::{consent, note};
use super::place::{Place, on_both};
use super::sample::{NOW, person, template};

on_both!(
    a_picture_goes_with_the_last_template_of_its_photo,
    pictures_follow_their_templates_to_other_persons_and_back,
    pictures_are_sealed_and_go_when_nobody_wants_them
);

const PICTURE: &[u8] = b"\xFF\xD8\xFF what an enrolled face looks like";

fn crop() -> FaceCrop {
    FaceCrop::kept(PICTURE.to_vec()).unwrap()
}

async fn enrolled(store: &SqlStore, who: PersonId, photo: u8) -> Template {
    let one = template(who, photo);
    store.put_template(&one, Some(&crop()), &[]).await.unwrap();
    one
}

/// The same photo's template by another pack.
fn by_another_pack(one: &Template) -> Template {
    Template { id: TemplateId::generate(), pack: PackId::parse("other@2").unwrap(), ..one.clone() }
}

fn place_of(one: &Template) -> CropPlace {
    CropPlace { person: one.person, source_sha256: one.source_sha256 }
}

async fn kept(store: &SqlStore, one: &Template) -> bool {
    store.face_crop(place_of(one)).await.unwrap().is_some_and(|crop| crop.as_jpeg() == PICTURE)
}

async fn a_picture_goes_with_the_last_template_of_its_photo(place: Place) {
    let store = place.open().await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let (one, two) = (enrolled(&store, ada.id, 1).await, enrolled(&store, ada.id, 2).await);
    store.put_template(&by_another_pack(&one), None, &[]).await.unwrap();
    assert_eq!(store.face_crop_counts().await.unwrap(), CropCounts { crops: 2, persons: 1 });
    assert_eq!(store.face_crops_of(ada.id).await.unwrap().len(), 2);
    assert_eq!(store.person(ada.id).await.unwrap().unwrap().templates, 2, "photos, whatever packs there are");

    // Whoever removes a template means the photo.
    store.remove_template(one.id).await.unwrap().unwrap();
    assert!(!kept(&store, &one).await && kept(&store, &two).await);
    assert_eq!(store.templates(ada.id).await.unwrap().len(), 1);

    let better = template(ada.id, 3);
    store.put_template(&better, Some(&crop()), &[two.id]).await.unwrap();
    assert!(!kept(&store, &two).await && kept(&store, &better).await);

    store.remove_person(ada.id, NOW).await.unwrap();
    assert_eq!(store.face_crop_counts().await.unwrap(), CropCounts::default());
    assert_eq!(store.face_crop(place_of(&better)).await.unwrap(), None);
}

async fn pictures_follow_their_templates_to_other_persons_and_back(place: Place) {
    let store = place.open().await;
    let (ada, eve) = (person("Ada"), person("Eve"));
    for one in [&ada, &eve] {
        store.add_person(one).await.unwrap();
    }
    let (hers, both) = (enrolled(&store, ada.id, 1).await, enrolled(&store, ada.id, 2).await);
    enrolled(&store, eve.id, 2).await;
    store.put_template(&by_another_pack(&hers), None, &[]).await.unwrap();
    let id = PersonChangeId::generate();
    let merge = MergeOrder { id, source: ada.id, target: eve.id, now: NOW, note: note() };
    store.merge_persons(&merge).await.unwrap().unwrap();
    let as_eves = |one: &Template| Template { person: eve.id, ..one.clone() };
    assert!(kept(&store, &as_eves(&hers)).await && kept(&store, &as_eves(&both)).await);
    assert!(!kept(&store, &hers).await && !kept(&store, &both).await);
    assert_eq!(store.templates(eve.id).await.unwrap().len(), 3, "of both packs");

    store.undo_mending(id, NOW, &note()).await.unwrap().unwrap();
    assert!(kept(&store, &hers).await && kept(&store, &both).await);
    assert!(!kept(&store, &as_eves(&hers)).await && kept(&store, &as_eves(&both)).await);
    assert_eq!((store.templates(ada.id).await.unwrap().len(), store.templates(eve.id).await.unwrap().len()), (3, 1));

    let new = person("Somebody else");
    let (id, templates) = (PersonChangeId::generate(), vec![hers.id]);
    let consent = consent(new.id, NOW);
    let split = SplitOrder { id, source: ada.id, person: new.clone(), consent, templates, now: NOW, note: note() };
    store.split_person(&split).await.unwrap().unwrap();
    let theirs = Template { person: new.id, ..hers.clone() };
    assert!(kept(&store, &theirs).await && !kept(&store, &hers).await && kept(&store, &both).await);
    assert_eq!(store.templates(new.id).await.unwrap().len(), 2, "what both packs made of the photo");
    store.undo_mending(id, NOW, &note()).await.unwrap().unwrap();
    assert!(kept(&store, &hers).await && !kept(&store, &theirs).await);
}

async fn pictures_are_sealed_and_go_when_nobody_wants_them(place: Place) {
    let store = place.open().await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    for photo in 1..=3 {
        enrolled(&store, ada.id, photo).await;
    }
    assert!(!place.lies_open(b"what an enrolled face looks like").await);
    assert_eq!(store.remove_face_crops(2).await.unwrap(), 2);
    assert_eq!(store.remove_face_crops(2).await.unwrap(), 1);
    assert_eq!(store.face_crop_counts().await.unwrap(), CropCounts::default());
    assert_eq!(store.templates(ada.id).await.unwrap().len(), 3, "templates stay");
}
