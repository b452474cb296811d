package interop;

import org.springframework.messaging.handler.annotation.DestinationVariable;
import org.springframework.messaging.handler.annotation.MessageExceptionHandler;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.messaging.simp.annotation.SendToUser;
import org.springframework.messaging.simp.annotation.SubscribeMapping;
import org.springframework.stereotype.Controller;

/** What the application answers: to everybody, to the sender alone, to a subscriber at once, and with an error. */
@Controller
public class Greetings {
  public record Hello(String name) {}

  public record Greeting(String content) {}

  /** The guide's: a name goes to /app/hello, a greeting comes to /topic/greetings. */
  @MessageMapping("/hello")
  @SendTo("/topic/greetings")
  public Greeting greet(Hello hello) {
    return new Greeting("Hello, " + hello.name() + "!");
  }

  @MessageMapping("/hello/{room}")
  @SendTo("/topic/room.{room}")
  public Greeting greetRoom(@DestinationVariable String room, Hello hello) {
    return new Greeting("Hello, " + hello.name() + ", in " + room + "!");
  }

  @MessageMapping("/private")
  @SendToUser(destinations = "/queue/private", broadcast = false)
  public Greeting whisper(Hello hello) {
    return new Greeting("Only you, " + hello.name() + ".");
  }

  @SubscribeMapping("/now")
  public Greeting welcome() {
    return new Greeting("Welcome!");
  }

  @MessageMapping("/fail")
  public void fail() {
    throw new IllegalStateException("as asked");
  }

  @MessageExceptionHandler
  @SendToUser(destinations = "/queue/errors", broadcast = false)
  public Greeting apologise(Exception failure) {
    return new Greeting(failure.getMessage());
  }
}
