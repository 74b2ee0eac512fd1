use std::net::Ipv6Addr;

use tokio::time::advance;

use super::*;
use crate::activity::Phase;

const ANN: Option<IpAddr> = Some(IpAddr::V6(Ipv6Addr::from_bits(1)));
const BOB: Option<IpAddr> = Some(IpAddr::V6(Ipv6Addr::from_bits(2)));

/// Places that were taken one after the other, with some time between.
async fn places<const N: usize>(crowd: &Arc<Crowd>, of: [Option<IpAddr>; N]) -> [Place; N] {
    let mut places = Vec::new();
    for from in of {
        let place = crowd.let_in(from);
        place.activity.enter(Phase::Head);
        places.push(place);
        advance(Duration::from_millis(10)).await;
    }
    places.try_into().ok().unwrap()
}

fn sent_away(places: &[Place]) -> Vec<bool> {
    places.iter().map(|place| place.away.is_cancelled()).collect()
}

#[tokio::test(start_paused = true)]
async fn there_is_room_up_to_the_limit_and_again_when_somebody_leaves() {
    let crowd = Crowd::new(2);
    // As if nobody had got to look at them yet.
    let (first, second) = (crowd.admit(ANN).await, crowd.admit(ANN).await);
    let third = tokio::spawn({
        let crowd = Arc::clone(&crowd);
        async move { crowd.admit(BOB).await }
    });
    advance(Duration::from_mins(1)).await;
    assert!(!third.is_finished(), "whoever is answered stays");
    drop(first);
    third.await.unwrap();
    assert!(!second.away.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_place_gets_that_of_the_first_who_begins_to_rest() {
    let crowd = Crowd::new(1);
    let busy = crowd.admit(ANN).await;
    let next = crowd.admit(BOB);
    let rests = async {
        busy.activity.enter(Phase::Rest);
        busy.away.cancelled().await;
        drop(busy);
    };
    let begun = Instant::now();
    tokio::join!(next, rests);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_one_goes_that_waits_longest() {
    let crowd = Crowd::new(3);
    let places = places(&crowd, [ANN, ANN, ANN]).await;
    advance(GRACE).await;
    places[0].activity.enter(Phase::Rest);
    crowd.make_room();
    assert_eq!(sent_away(&places), [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn whose_household_has_the_most_goes_before_who_waits_longer() {
    let crowd = Crowd::new(5);
    let places = places(&crowd, [ANN, BOB, BOB, BOB, None]).await;
    places[1].activity.enter(Phase::Handling);
    advance(GRACE).await;
    crowd.make_room();
    assert_eq!(sent_away(&places), [false, false, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn what_a_proxy_passes_on_is_of_as_many_households() {
    let crowd = Crowd::new(4);
    let places = places(&crowd, [ANN, None, None, None]).await;
    advance(GRACE).await;
    crowd.make_room();
    assert_eq!(sent_away(&places), [true, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_away_in_the_midst_of_a_request_that_has_just_begun() {
    for phase in [Phase::Head, Phase::Body] {
        let crowd = Crowd::new(1);
        let place = crowd.let_in(ANN);
        place.activity.enter(phase);
        let begun = Instant::now();
        let leaves = async {
            place.away.cancelled().await;
            drop(place);
        };
        tokio::join!(crowd.admit(BOB), leaves);
        assert_eq!(begun.elapsed().as_millis(), GRACE.as_millis(), "{phase:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_crowd_goes_by_several_at_a_time_and_not_by_more_before_they_have_left() {
    let crowd = Crowd::new(100);
    let places = places(&crowd, [ANN; 100]).await;
    advance(GRACE).await;
    let count = || sent_away(&places).into_iter().filter(|away| *away).count();
    for _ in 0..5 {
        crowd.make_room();
        assert_eq!(count(), 13);
    }
    // These do not.
    advance(GRACE).await;
    crowd.make_room();
    assert_eq!(count(), 26);
}
