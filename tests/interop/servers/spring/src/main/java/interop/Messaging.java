package interop;

import java.security.Principal;
import java.util.Map;
import java.util.UUID;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.web.socket.WebSocketHandler;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;
import org.springframework.web.socket.config.annotation.WebSocketTransportRegistration;
import org.springframework.web.socket.server.support.DefaultHandshakeHandler;

/** Where clients come in, and which broker is behind: Spring's simple one, or a real one through its relay. */
@Configuration
@EnableWebSocketMessageBroker
public class Messaging implements WebSocketMessageBrokerConfigurer {
  private static final String PREFIX = "/app";
  private static final int LARGEST = 2 * 1024 * 1024;

  @Value("${interop.relay-port:0}")
  private int relayPort;

  @Value("${interop.heartbeat:1000}")
  private long heartbeat;

  @Bean
  ThreadPoolTaskScheduler heartbeats() {
    var scheduler = new ThreadPoolTaskScheduler();
    scheduler.setPoolSize(1);
    return scheduler;
  }

  @Override
  public void configureMessageBroker(MessageBrokerRegistry registry) {
    registry.setApplicationDestinationPrefixes(PREFIX);
    if (relayPort == 0) {
      registry
          .enableSimpleBroker("/topic", "/queue")
          .setTaskScheduler(heartbeats())
          .setHeartbeatValue(new long[] {heartbeat, heartbeat})
          .setSelectorHeaderName("selector");
    } else {
      registry
          // the last one is where RabbitMQ wants answers to requests
          .enableStompBrokerRelay("/topic", "/queue", "/reply-queue")
          .setRelayHost("127.0.0.1")
          .setRelayPort(relayPort)
          .setVirtualHost("/");
    }
  }

  @Override
  public void registerStompEndpoints(StompEndpointRegistry registry) {
    // without it a SEND may be worked on before the SUBSCRIBE that came first
    registry.setPreserveReceiveOrder(true);
    registry.addEndpoint("/raw").setHandshakeHandler(strangers());
    registry.addEndpoint("/sockjs").setHandshakeHandler(strangers()).withSockJS();
    // the guide's, which offers both on one path
    registry.addEndpoint("/gs-guide-websocket");
    registry.addEndpoint("/gs-guide-websocket").withSockJS();
  }

  @Override
  public void configureWebSocketTransport(WebSocketTransportRegistration registration) {
    // of a STOMP frame; Tomcat's own limit, 8 KiB in one WebSocket message, is left as it is
    registration.setMessageSizeLimit(LARGEST).setSendBufferSizeLimit(2 * LARGEST);
  }

  /** Gives everybody a name of his own, so that there are user destinations without a login. */
  private static DefaultHandshakeHandler strangers() {
    return new DefaultHandshakeHandler() {
      @Override
      protected Principal determineUser(
          ServerHttpRequest request, WebSocketHandler handler, Map<String, Object> attributes) {
        var name = UUID.randomUUID().toString();
        return () -> name;
      }
    };
  }
}
