//! Events.

use super::{
    Answer, answer, convert,
    proto::v1::{self, event_service_server::EventService},
    status::{refuse, stopping},
};
use crate::{
    base::Stop,
    service::{EventStream, Service},
};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tonic::{Request, Status};

/// The adaptor; knows the stop, as it waits.
pub(super) struct Events(pub(super) Service, pub(super) Stop);

#[tonic::async_trait]
impl EventService for Events {
    type SubscribeStream = BoxStream<'static, Result<v1::SubscribeResponse, Status>>;

    async fn subscribe(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Answer<Self::SubscribeStream> {
        let asked = convert::subscribe(request.into_inner()).map_err(refuse)?;
        let events = self.0.subscribe(asked).await.map_err(refuse)?;
        answer(tell(events, self.1.clone()).boxed())
    }

    async fn acknowledge_events(
        &self,
        request: Request<v1::AcknowledgeEventsRequest>,
    ) -> Answer<v1::AcknowledgeEventsResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .acknowledge_events(
                request.consumer,
                request.seq,
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::AcknowledgeEventsResponse {
            consumer: Some(convert::consumer(done)),
        })
    }

    async fn list_consumers(
        &self,
        request: Request<v1::ListConsumersRequest>,
    ) -> Answer<v1::ListConsumersResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_consumers(convert::page(request.page_size, request.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListConsumersResponse {
            consumers: done.rows.into_iter().map(convert::consumer).collect(),
            next_page_token: done.next,
        })
    }

    async fn remove_consumer(
        &self,
        request: Request<v1::RemoveConsumerRequest>,
    ) -> Answer<v1::RemoveConsumerResponse> {
        let request = request.into_inner();
        self.0
            .remove_consumer(request.consumer, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::RemoveConsumerResponse {})
    }
}

/// Items until the last one, or until the house begins to close: the cursor finds the rest.
fn tell(
    events: EventStream,
    stop: Stop,
) -> impl Stream<Item = Result<v1::SubscribeResponse, Status>> {
    stream::unfold(Some((events, stop)), |telling| async {
        let (mut events, stop) = telling?;
        tokio::select! {
            biased;
            () = stop.closing() => Some((Err(refuse(stopping())), None)),
            item = events.recv() => {
                let item = item?.map(convert::item).map_err(refuse);
                Some((item, Some((events, stop))))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::Tasks, ipc::grpc::status::ClientError, model::ErrorCode, service::EventItem,
    };
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn items_are_told_until_the_house_closes() {
        let tasks = Tasks::new();
        let (sender, events) = mpsc::channel(4);
        let mut told = Box::pin(tell(events, tasks.stop()));
        sender
            .send(Ok(EventItem::Lagged { missed: 3 }))
            .await
            .expect("room");
        let item = told.next().await.expect("an item").expect("told");
        assert_eq!(item, convert::item(EventItem::Lagged { missed: 3 }));
        assert!(futures::poll!(told.next()).is_pending());
        tasks.close();
        let last = told.next().await.expect("a word").expect_err("the end");
        assert_eq!(ClientError::from(last).code, ErrorCode::Unavailable);
        assert!(told.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_that_was_not_to_follow_ends_well() {
        let (sender, events) = mpsc::channel(4);
        drop(sender);
        let mut told = Box::pin(tell(events, Tasks::new().stop()));
        assert!(told.next().await.is_none());
    }
}
